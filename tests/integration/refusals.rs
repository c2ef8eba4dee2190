//! A row that is refused for its own values, by claim, end, return and move alike, delays no other job.

use std::time::Duration;

use simple_queue::{JobStatus, Role, Unhealthy};

use crate::support::{Log, Probe, STOP, Say, TestDatabase, eventually, refusing, starts};

/// How soon a job that nothing is wrong with is done.
const SOON: Duration = Duration::from_secs(5);

/// Inserts so many bad jobs, and as many good ones after them, with these columns; they are due since an hour.
async fn bad_and_good(database: &TestDatabase, of_each: i32, columns: &str, values: &str) {
    database
        .execute(&format!(
            "insert into simple_queue.jobs (id, queue, job_data, metadata, run_at{columns})
             select gen_random_uuid(), 'probe', '\"Success\"',
                case when n < {of_each} then '{{\"is\": \"bad\"}}' else '{{}}' end::jsonb,
                now() - interval '1 hour' + n * interval '1 ms'{values}
             from generate_series(0, 2 * {of_each} - 1) n"
        ))
        .await;
}

const BAD: &str = "jobs where metadata ->> 'is' = 'bad'";

#[tokio::test]
async fn ends_that_are_refused_together_for_their_own_sake_end_as_failures_and_stop_no_other_job() {
    let refused = 3;
    let database = refusing(&["insert on simple_queue.archive"]).await;
    let queue = database.queue().await;
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    database
        .execute(&format!(
            "insert into simple_queue.jobs (id, queue, job_data, metadata)
             select gen_random_uuid(), 'probe', '\"WaitForGate\"', '{{\"is\": \"bad\"}}'
             from generate_series(1, {refused})"
        ))
        .await;
    let (log, _guard) = Log::of_this_thread();
    let worker = queue.start().await;
    eventually("they run", async || probe.running() == refused).await;
    probe.open_gate(refused);
    let refusal = "the end of this job cannot be written";
    eventually("each was refused", async || log.count(refusal) >= refused).await;
    let done = async || {
        let id = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
        let ended = queue.wait(id, SOON).await;
        assert_eq!(ended.unwrap().status, JobStatus::Completed);
    };
    done().await;
    let given_up = "dead_letters where status = 'critical_failure'
        and reason like '%end could not be written%out of range%'";
    let all = i64::try_from(refused).unwrap();
    eventually("they are given up", async || database.count(given_up).await == all).await;
    done().await;
    assert_eq!(database.count("jobs").await, 0);
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suspects_that_can_be_neither_claimed_nor_moved_hold_up_no_other() {
    let database =
        refusing(&["update on simple_queue.jobs", "insert on simple_queue.dead_letters"]).await;
    let held = ", '00000000-0000-0000-0000-000000000000', 2";
    bad_and_good(&database, 4, ", held, crash_count", held).await;
    let (_queue, worker) = starts(&database).await;
    eventually("the others are done", async || database.count("archive").await == 4).await;
    assert_eq!(database.count(BAD).await, 4);
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_can_be_neither_returned_nor_moved_hold_up_no_other_of_the_dead() {
    let database =
        refusing(&["update on simple_queue.jobs", "insert on simple_queue.dead_letters"]).await;
    for _ in 0..4 {
        let name = format!(", '{}', 1", database.dead_process().await);
        bad_and_good(&database, 1, ", worker_id, attempt", &name).await;
    }
    bad_and_good(&database, 2, ", worker_id, attempt", ", gen_random_uuid(), 1").await;
    let (queue, worker) = starts(&database).await;
    eventually("the others are done", async || database.count("archive").await == 6).await;
    assert_eq!(database.count(BAD).await, 6);
    let id = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
    assert_eq!(queue.wait(id, SOON).await.unwrap().status, JobStatus::Completed);
    let done = "upkeep where task = 'orphans' and done_at > now() - interval '1 min'";
    eventually("the look is over", async || database.count(done).await == 1).await;
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_jobs_that_can_be_neither_claimed_nor_moved_hold_up_no_other() {
    let database =
        refusing(&["update on simple_queue.jobs", "insert on simple_queue.dead_letters"]).await;
    // More than are claimed apart in a turn.
    bad_and_good(&database, 150, "", "").await;
    let (_queue, worker) = starts(&database).await;
    eventually("the others are done", async || database.count("archive").await == 150).await;
    assert_eq!(database.count(BAD).await, 150);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_heartbeat_that_the_database_refuses_is_seen_and_the_process_works_on() {
    let database = TestDatabase::migrated().await;
    let (queue, worker) = starts(&database).await;
    database
        .execute(
            "create function public.refuse() returns trigger language plpgsql as $$ begin
                raise exception 'out of range' using errcode = '22003';
            end $$",
        )
        .await;
    // What says only that the process lives changes no queues.
    let trigger = "create trigger refuse before update of queues on simple_queue.workers
        for each row execute function public.refuse()";
    database.execute(trigger).await;
    let refused = async || {
        let health = queue.health().await;
        assert!(health.is_alive, "{health}");
        health.reasons.iter().any(|it| matches!(it, Unhealthy::HeartbeatRefused { .. }))
    };
    eventually("it is seen", refused).await;
    let health = queue.health().await.to_string();
    assert!(health.contains("out of range"), "{health}");
    let id = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
    assert_eq!(queue.wait(id, SOON).await.unwrap().status, JobStatus::Completed);
    database.execute("drop trigger refuse on simple_queue.workers").await;
    eventually("it is over", async || queue.health().await.is_ready).await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_worker_that_loses_its_right_to_read_jobs_keeps_those_that_it_runs() {
    let database = TestDatabase::migrated().await;
    let options = database.granted("worker", &[Role::Worker]).await;
    let role = options.get_username().to_owned();
    let (queue, probe) = (TestDatabase::queue_as(options).await, Probe::new());
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    queue.insert_job(Probe::job(Say::WaitForGate)).await.unwrap();
    probe.next_run().await;
    let process = database.only_process().await;
    database.execute(&format!("revoke all on simple_queue.jobs from {role}")).await;
    let refused = async || {
        let health = queue.health().await;
        health.reasons.iter().any(|it| matches!(it, Unhealthy::HeartbeatRefused { .. }))
    };
    eventually("it is seen", refused).await;
    assert_eq!(database.only_process().await, process, "the process counts as alive");
    database.execute(&format!("grant all on simple_queue.jobs to {role}")).await;
    probe.open_gate(1);
    eventually("it is done", async || database.count("archive").await == 1).await;
    let attempt: i32 = database.value("select attempt from simple_queue.archive").await;
    assert_eq!(attempt, 1);
    worker.shutdown(STOP).await;
}
