//! What operators do to queues and jobs by hand.

use simple_queue::{Acted, Job, JobFilter, JobStatus, Why};

use crate::support::{Probe, STOP, Say, TestDatabase, Working, eventually, working};

#[tokio::test]
async fn a_paused_queue_starts_nothing_in_any_process_and_goes_on_when_it_is_resumed() {
    let Working { database, queue, probe, worker } = working().await;
    let elsewhere = database.queue().await;
    elsewhere.pause(Probe::QUEUE).await.unwrap();
    elsewhere.pause(Probe::QUEUE).await.unwrap();
    let paused = queue.pauses().await.unwrap();
    assert_eq!(paused.iter().map(|pause| &*pause.queue).collect::<Vec<_>>(), [Probe::QUEUE]);

    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    eventually("the worker has looked and sleeps", async || {
        database.count("idle_workers").await == 1
    })
    .await;
    assert_eq!(database.count("jobs where lease = 0").await, 1);

    elsewhere.resume(Probe::QUEUE).await.unwrap();
    probe.next_run().await;
    assert_eq!(queue.pauses().await.unwrap(), []);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_pause_answers_whether_the_queue_is_known() {
    let Working { database, queue, worker, .. } = working().await;
    let elsewhere = database.queue().await;
    let paused = elsewhere.pause(Probe::QUEUE).await.unwrap();
    assert!(paused.is_served && paused.is_known(), "{paused:?}");
    assert!(!paused.has_jobs && !paused.was_paused, "{paused:?}");
    assert!(elsewhere.pause(Probe::QUEUE).await.unwrap().was_paused);
    assert!(elsewhere.resume(Probe::QUEUE).await.unwrap());
    assert!(!elsewhere.resume(Probe::QUEUE).await.unwrap(), "it ran already");

    let misspelt = elsewhere.pause("prboe").await.unwrap();
    assert!(!misspelt.is_known(), "{misspelt:?}");
    assert!(!elsewhere.resume("porbe").await.unwrap());

    queue.insert_job(Job::new("unserved", 1)).await.unwrap();
    let paused = elsewhere.pause("unserved").await.unwrap();
    assert!(paused.has_jobs && paused.is_known() && !paused.is_served, "{paused:?}");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_running_job_ends_as_usual_though_its_queue_is_paused() {
    let Working { database: _database, queue, probe, worker } = working().await;
    let id = queue.insert_job(Probe::job(Say::WaitForGate)).await.unwrap().unwrap();
    probe.next_run().await;
    queue.pause(Probe::QUEUE).await.unwrap();
    probe.open_gate(1);
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Completed);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_is_cancelled_by_its_id_whether_it_waits_or_runs_elsewhere() {
    let Working { database, queue, probe, worker } = working().await;
    let elsewhere = database.queue().await;
    let running = queue.insert_job(Probe::job(Say::Hang)).await.unwrap().unwrap();
    probe.next_run().await;
    let waiting = Probe::job(Say::Success).with_run_at(chrono::DateTime::<chrono::Utc>::MAX_UTC);
    let waiting = queue.insert_job(waiting).await.unwrap().unwrap();
    for id in [running, waiting] {
        assert!(elsewhere.cancel(id).await.unwrap());
        assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Cancelled);
        assert!(!elsewhere.cancel(id).await.unwrap(), "it is over");
    }
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_retried_dead_letter_has_all_its_attempts_again_and_keeps_its_errors() {
    let Working { database, queue, probe, worker } = working().await;
    let job = Probe::job(Say::FailBefore(2)).with_max_attempts(1).with_fingerprint("f");
    let id = queue.insert_job(job).await.unwrap().unwrap();
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Failed);
    probe.next_run().await;

    database.execute("update simple_queue.dead_letters set max_attempts = 2").await;
    let admin = queue.admin().as_actor("test");
    assert_eq!(admin.retry(id).await.unwrap(), Acted::Done);
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Completed);
    let remembered = "archive where attempt = 2 and fingerprint = 'f' and lease > 3
        and jsonb_array_length(errors) = 2";
    assert_eq!(database.count(remembered).await, 1);

    let left = admin.retry(id).await.unwrap();
    assert_eq!(left, Acted::Left(Why::Ended(JobStatus::Completed)));
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_dead_letter_whose_key_a_live_job_has_stays_dead_and_names_it() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    let dead =
        queue.insert_job(Probe::job(Say::Critical).with_unique_key("k")).await.unwrap().unwrap();
    queue.wait(dead, STOP).await.unwrap();
    queue.pause(Probe::QUEUE).await.unwrap();
    let live =
        queue.insert_job(Probe::job(Say::Success).with_unique_key("k")).await.unwrap().unwrap();

    let admin = queue.admin().as_actor("test");
    assert_eq!(admin.retry(dead).await.unwrap(), Acted::Left(Why::KeyTaken(live)));
    let retried = admin.select(JobFilter::dead()).retry().await.unwrap();
    assert_eq!(retried.left, [(dead, Why::KeyTaken(live))]);
    assert_eq!(database.count("dead_letters").await, 1);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn many_dead_letters_are_put_back_by_what_they_have_in_common() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let dead_letter = database.dead_letter().kind("k").lease(7);
    dead_letter
        .attempt(3)
        .crash_count(2)
        .reprocess_count(1)
        .set("status", "case when n % 2 = 0 then 'unprocessable' else 'failed' end")
        .set("queue", "case when n % 3 = 0 then 'a' else 'b' end")
        .set("keep_until", "now() + interval '1 day'")
        .insert_many(6000)
        .await;
    let unread = JobFilter::dead().queue("b").kind("k").status(JobStatus::Unprocessable);
    let admin = queue.admin().as_actor("test");
    let retried = admin.select(unread.clone()).retry().await.unwrap();
    assert_eq!((retried.done, retried.left_alone), (2000, 0));
    assert_eq!(admin.select(unread).retry().await.unwrap().done, 0);
    let anew = "jobs where queue = 'b' and lease = 7 and attempt = 0 and crash_count = 0
        and reprocess_count = 0 and retain = interval '1 day' and run_at <= now()";
    assert_eq!(database.count(anew).await, 2000);
    assert_eq!(database.count("dead_letters").await, 4000);
}

#[tokio::test]
async fn a_dead_letter_whose_id_a_live_job_has_is_not_retried() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let job = Probe::job(Say::Success);
    queue.insert_job(job.clone()).await.unwrap();
    queue.cancel(job.id).await.unwrap();
    database.job().id(job.id).insert().await;
    let left = queue.admin().as_actor("test").retry(job.id).await.unwrap();
    assert_eq!(left, Acted::Left(Why::Waiting));
}

#[tokio::test]
async fn dead_letters_are_put_back_in_the_order_in_which_inserts_take_their_keys() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let keys = ["a", "B", "c", "D", "ä", "É"];
    for key in keys {
        queue.insert_job(Probe::job(Say::Success).with_unique_key(key)).await.unwrap();
        queue.cancel_job_by_unique_key(key).await.unwrap();
    }
    let collation = "select quote_ident(collname) from pg_collation
        where collprovider = 'i' and collname like 'en%' order by collname limit 1";
    let collation = database.value::<String>(collation).await;
    for sql in [
        "drop view simple_queue.all_jobs cascade",
        &format!(
            "alter table simple_queue.dead_letters alter unique_key type text collate {collation}"
        ),
        "create table taken (position bigserial, key text)",
        "create function take() returns trigger language plpgsql as $$
            begin insert into public.taken (key) values (new.unique_key); return new; end $$",
        "create trigger take after insert on simple_queue.jobs
            for each row execute function public.take()",
    ] {
        database.execute(sql).await;
    }
    let admin = queue.admin().as_actor("test");
    assert_eq!(admin.select(JobFilter::dead()).retry().await.unwrap().done, 6);
    let taken: Vec<String> =
        database.value("select array_agg(key order by position) from taken").await;
    assert!(taken.is_sorted(), "{taken:?}");
    assert_eq!(taken.len(), keys.len());
}
