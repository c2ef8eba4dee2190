//! Stage 3: jobs that are due are claimed in order, and no others.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use simple_queue::prelude::*;

use crate::{
    statements::carry_out,
    support::{Probe, STOP, Say, TestDatabase, Working, eventually, working},
};

#[job(queue = "probe", priority = 10)]
async fn unimportant() {}

#[job(queue = "probe")]
async fn usual() {}

#[tokio::test]
async fn a_smaller_priority_runs_first_and_then_what_was_due_first() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_global_semaphore(1);
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let low = Unimportant::new().enqueue(&queue).await.unwrap().id();
    let first = Usual::new().enqueue(&queue).await.unwrap().id();
    let second = Usual::new().enqueue(&queue).await.unwrap().id();
    let urgent = Usual::new().priority(-1).enqueue(&queue).await.unwrap().id();
    // These kinds have no handler here, so the probe gets them and must be able to read them.
    database.change_jobs().payload(Say::Success).write().await;

    let worker = queue.start().await;
    for expected in [urgent, first, second, low] {
        assert_eq!(probe.next_run().await.job_id, expected);
    }
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_of_the_future_starts_when_it_is_due_and_not_before() {
    let Working { database, queue, probe, worker } = working().await;
    #[expect(clippy::disallowed_methods, reason = "the time is compared with by the database")]
    let due = Utc::now() + TimeDelta::milliseconds(1500);
    queue.insert_job(Probe::job(Say::Success).with_run_at(due)).await.unwrap();
    probe.next_run().await;
    eventually("the job is archived", async || database.count("archive").await == 1).await;
    worker.shutdown(STOP).await;
    let lateness =
        "select extract(epoch from finished_at - scheduled_at)::float8 from simple_queue.archive";
    let lateness: f64 = database.value(lateness).await;
    assert!((0.0..5.0).contains(&lateness), "{lateness} s");
}

#[tokio::test]
async fn many_future_jobs_of_a_higher_priority_do_not_delay_a_due_job() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.register_handler(probe.clone());
    // 20,000 jobs: more take long to insert.
    database.job().priority(-1).due_in(Duration::from_hours(24)).insert_many(20_000).await;
    let due = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
    let worker = queue.start().await;
    assert_eq!(probe.next_run().await.job_id, due);
    worker.shutdown(STOP).await;
    assert_eq!(database.count("jobs where attempt > 0").await, 0);
}

#[tokio::test]
async fn a_job_of_a_kind_without_a_handler_waits_untouched() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![Usual], ()).unwrap();
    let strange = Unimportant::new().priority(-1).enqueue(&queue).await.unwrap().id();
    let served = Usual::new().enqueue(&queue).await.unwrap().id();
    let worker = queue.start().await;
    queue.wait(served, STOP).await.unwrap();
    worker.shutdown(STOP).await;
    let untouched = format!("jobs where id = '{strange}' and attempt = 0 and lease = 0");
    assert_eq!(database.count(&untouched).await, 1);
}

#[tokio::test]
async fn a_paused_queue_starts_nothing_until_it_goes_on() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.register_handler(probe.clone());
    database
        .execute("insert into simple_queue.queues (name, paused_at) values ('probe', now())")
        .await;
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    let worker = queue.start().await;
    eventually("the worker found nothing to do", async || {
        database.count("idle_workers").await == 1
    })
    .await;
    assert_eq!(probe.other_runs().await, []);
    database.execute("delete from simple_queue.queues").await;
    probe.next_run().await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn four_workers_share_the_jobs_and_none_runs_twice() {
    let database = TestDatabase::migrated().await;
    let probe = Probe::new();
    let mut workers = Vec::new();
    for _ in 0..4 {
        let queue = database.queue().await;
        queue.register_handler(probe.clone());
        workers.push(queue.start().await);
    }
    let jobs = (0..1000).map(|_| Probe::job(Say::Success)).collect();
    database.queue().await.insert_jobs(jobs).await.unwrap();
    eventually("all are archived", async || database.count("archive").await == 1000).await;
    for worker in workers {
        worker.shutdown(STOP).await;
    }
    assert_eq!(probe.other_runs().await.len(), 1000);
    assert_eq!(database.count("archive where attempt <> 1 or lease <> 1").await, 0);
    assert_eq!(database.count("workers").await, 0);
}

#[tokio::test]
async fn a_handler_that_is_registered_after_the_start_is_served_too() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    let worker = queue.start().await;
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    queue.register_handler(probe.clone());
    probe.next_run().await;
    worker.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_job_that_waited_longer_than_it_may_is_not_started() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.register_handler(probe.clone());
    let late = simple_queue::Enqueue::new(Usual::new()).expires(Duration::ZERO).tags(["a", "b"]);
    let late = late.enqueue(&queue).await.unwrap().id();
    assert_eq!(database.count("jobs where tags = '{a,b}' and expires_at = run_at").await, 1);
    let worker = queue.start().await;
    assert_eq!(queue.wait(late, STOP).await.unwrap().status, simple_queue::JobStatus::Cancelled);
    worker.shutdown(STOP).await;
    assert_eq!(probe.other_runs().await, []);
    assert_eq!(database.count("dead_letters where attempt = 0 and tags = '{a,b}'").await, 1);
}

#[tokio::test]
async fn the_jobs_of_a_claim_whose_answer_was_lost_are_returned_and_run() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_statement_timeout(Duration::from_secs(1));
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    // From here on the poller only fetches, so the cut below meets a fetch.
    eventually("it sleeps", async || database.count("idle_workers").await == 1).await;
    // The worker holds this job and does not know of it, as after a claim that was committed and whose answer was lost.
    database.job().running_on(database.only_process().await).insert().await;
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and query like '-- %'";
    database.value::<i64>(cut).await;
    // It is returned when the server must have ended the claim, which is after the statement timeout.
    assert_eq!(probe.next_run().await.attempt, 1);
    eventually("it is archived", async || database.count("archive where lease = 3").await == 1)
        .await;
    worker.shutdown(STOP).await;
}

#[job(queue = "usual")]
async fn moves(id: i64) -> Result<i64, BoxDynError> {
    Ok(id)
}

#[tokio::test]
async fn jobs_are_run_in_another_queue_where_they_are_registered_for_it() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let moved =
        simple_queue::Enqueue::new(Moves::new(1)).queue("elsewhere").enqueue(&queue).await.unwrap();
    queue.register(jobs![Moves].also_on("elsewhere"), ()).unwrap();
    let worker = queue.start().await;
    assert_eq!(moved.wait(&queue, STOP).await.unwrap(), 1);
    let usual = Moves::new(2).enqueue(&queue).await.unwrap();
    assert_eq!(usual.wait(&queue, STOP).await.unwrap(), 2);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_of_a_transaction_that_commits_after_thousands_overtook_it_runs_all_the_same() {
    let Working { database, queue, probe, worker } = working().await;
    let mut late = database.pool.begin().await.unwrap();
    let id = database.job().insert_in(&mut late, 1).await;
    let overtaken = "select now() - $1 > interval '3 s'";
    let began: chrono::DateTime<Utc> =
        sqlx::query_scalar("select now()").fetch_one(&mut *late).await.unwrap();
    while !sqlx::query_scalar::<_, bool>(overtaken)
        .bind(began)
        .fetch_one(&database.pool)
        .await
        .unwrap()
    {
        let jobs = (0..50).map(|_| Probe::job(Say::Success)).collect();
        queue.insert_jobs(jobs).await.unwrap();
        eventually("they are done", async || database.count("jobs").await == 0).await;
    }
    late.commit().await.unwrap();
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, simple_queue::JobStatus::Completed);
    probe.next_run().await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn prefetched_jobs_that_cannot_start_soon_are_given_back_with_their_attempt() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_queue_default_semaphore_size(2);
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let quick = (0..5000).map(|_| Probe::job(Say::Success));
    let slow = (0..50).map(|_| Probe::job(Say::WaitForGate));
    queue.insert_jobs(quick.chain(slow).collect()).await.unwrap();
    let worker = queue.start().await;
    eventually("the quick ones are done", async || database.count("archive").await == 5000).await;
    eventually("some of the slow ones were given back", async || {
        database.count("jobs where lease >= 2 and worker_id is null").await > 0
    })
    .await;
    eventually("two run", async || {
        database.count("jobs where worker_id is not null").await == 2
            && database.count("jobs where attempt = 0").await == 48
    })
    .await;
    worker.shutdown(Duration::ZERO).await;
    assert_eq!(database.count("jobs where attempt = 0 and worker_id is null").await, 50);
    assert_eq!(database.count("archive where attempt <> 1").await, 0);
}

#[tokio::test]
async fn a_large_transaction_that_was_overtaken_is_drained_at_once_when_it_commits() {
    let Working { database, queue, probe: _probe, worker } = working().await;
    let mut late = database.pool.begin().await.unwrap();
    database.job().insert_in(&mut late, 3000).await;
    let overtaken = "select now() - min(created_at) > interval '2 s' from simple_queue.archive";
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    while database.value::<Option<bool>>(overtaken).await != Some(true) {
        queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    }
    late.commit().await.unwrap();
    // Jobs that go on overtaking keep the floor where it is.
    let trickle = async {
        loop {
            queue.insert_job(Probe::job(Say::Success)).await.unwrap();
        }
    };
    let drained = eventually("the large one is done", async || {
        database.count("jobs where created_at < now() - interval '2 s'").await == 0
    });
    tokio::select! {
        () = drained => {}
        () = trickle => {}
    }
    worker.shutdown(STOP).await;
}

/// A probe of another queue.
struct Elsewhere(Probe);

impl Handler for Elsewhere {
    const QUEUE: &'static str = "elsewhere";

    async fn process(&self, queue: &SimpleQueue, job: &Job) -> Result<JobResult, BoxDynError> {
        self.0.process(queue, job).await
    }
}

#[tokio::test]
async fn a_prefetched_queue_takes_no_permits_from_another() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_global_semaphore(4);
    let (busy, other) = (Probe::new(), Probe::new());
    queue.register_handler(busy.clone());
    queue.register_handler(Elsewhere(other.clone()));
    for _ in 0..10 {
        queue.insert_jobs((0..2000).map(|_| Probe::job(Say::Success)).collect()).await.unwrap();
    }
    let worker = queue.start().await;
    eventually("the busy one is at its pace", async || database.count("archive").await > 2000)
        .await;
    queue.insert_job(Job::new("elsewhere", Say::Success)).await.unwrap();
    other.next_run().await;
    assert!(database.count("jobs").await > 1000, "it did not wait for the others");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn rows_that_were_locked_and_released_are_claimed_in_a_backlog_too() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_queue_default_semaphore_size(10);
    queue.insert_jobs((0..600).map(|_| Probe::job(Say::Success)).collect()).await.unwrap();
    // A lock leaves its trace in a row when it is released.
    let mut tx = database.pool.begin().await.unwrap();
    sqlx::query("select id from simple_queue.jobs where hashtext(id::text) % 3 = 0 for update")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    eventually("all are done", async || database.count("archive").await == 600).await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_gains_on_more_urgent_ones_as_it_waits_where_its_queue_says_so() {
    let database = TestDatabase::migrated().await;
    let process = format!("'{}'", database.process().insert().await);
    // Each 4 ms a more urgent one became due, for 4 s. Ten steps of 100 ms are worth the first second.
    let base: String = database.value("select (now() - interval '1 min')::text").await;
    let base = format!("'{base}'::timestamptz");
    let flood = database.job().set("run_at", format!("{base} + n * interval '4 ms'"));
    flood.insert_many(1000).await;
    let patient = database.job().set("run_at", base).set("priority", "10").insert().await;
    let demand = r#"'[{"queue": "probe", "permits": 10, "priorities": [0], "probe_after": -32769, "probes": 64,
        "shares": [{"permits": 10, "kinds": null, "excluded": [], "floors": []}]
    }]'"#;
    let arguments = vec![
        ("worker_id", process.as_str()),
        ("job_ids", "'{}'"),
        ("leases", "'{}'"),
        ("results", "'{}'"),
        ("keep", "true"),
        ("include_touched", "true"),
        ("demand", demand),
        ("limit", "10"),
        ("margin", "'0.6 s'"),
        ("ages", r#"'{"probe": 0.1}'"#),
    ];
    let mut connection = database.pool.acquire().await.unwrap();
    let is_claimed = format!("jobs where id = '{patient}' and worker_id is not null");
    while database.count(&is_claimed).await == 0 {
        // The jobs, and the summary.
        assert_eq!(carry_out(&mut connection, "fetch_jobs_by_age", &arguments).await, 11);
    }
    let claimed = database.count("jobs where worker_id is not null").await;
    assert!((250..=265).contains(&claimed), "{claimed} were claimed with it, not 250 before it");
}

#[tokio::test]
async fn a_queue_with_ageing_runs_jobs_of_all_priorities() {
    let database = TestDatabase::migrated().await;
    let pool = database.queue().await.pool().clone();
    let builder = SimpleQueue::builder(pool).priority_aging(Probe::QUEUE, Duration::from_mins(1));
    let (queue, probe) = (builder.build().unwrap(), Probe::new());
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    for priority in ["0", "10", "-5"] {
        database.job().set("priority", priority).insert_many(20).await;
    }
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    eventually("all are done", async || database.count("archive").await == 61).await;
    let sends = "select exists (select from pg_stat_activity
        where datname = current_database() and query like '-- fetch_jobs_by_age%')";
    assert!(database.value::<bool>(sends).await);
    worker.shutdown(STOP).await;
}
