//! Ticks that meet the job of an earlier one.

use simple_queue::{Overlap, ScheduleError};
use test_support::Proxy;

use super::{Do, are_consecutive, every};
use crate::support::{Probe, STOP, Say, TestDatabase, eventually};

#[tokio::test]
async fn a_tick_is_left_out_while_the_job_of_an_earlier_one_is_live() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (
        database.put("one", Say::WaitForGate, every(1).overlap(Overlap::Skip)).await,
        Probe::new(),
    );
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    let first = probe.next_run().await;
    let next = database.of_schedule("one", "next_at").await;
    eventually("a tick is left out", async || database.of_schedule("one", "next_at").await > next)
        .await;
    assert_eq!(database.count("all_jobs").await, 1);
    let last = database.of_schedule("one", "last_job").await;
    assert_eq!(last, Some(first.job_id.to_string()), "the tick before the next job's");
    probe.open_gate(1);
    let second = probe.next_run().await;
    assert_eq!(probe.most_at_once(), 1);
    let covers: bool = database
        .value(&format!(
            "select (metadata #>> '{{@schedule, since}}')::timestamptz
                = (select scheduled_at from simple_queue.archive where id = '{}')
                and scheduled_at > created_at - interval '10 s'
            from simple_queue.jobs where id = '{}'",
            first.job_id, second.job_id
        ))
        .await;
    assert!(covers, "its interval begins at the tick of the job before");
    probe.open_gate(10);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn ticks_wait_for_earlier_jobs_to_end_and_none_is_lost() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (
        database.put("queued", Say::WaitForGate, every(1).overlap(Overlap::Queue)).await,
        Probe::new(),
    );
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    probe.next_run().await;
    eventually("three ticks wait", async || {
        database.of_schedule("queued", "cardinality(waiting) >= 3").await.as_deref() == Some("true")
    })
    .await;
    assert_eq!(database.count("all_jobs").await, 1);
    let state = queue.schedules().find("queued").await.unwrap().unwrap();
    assert!(state.waiting >= 3);
    for _ in 0..5 {
        probe.open_gate(1);
        probe.next_run().await;
    }
    assert_eq!(probe.most_at_once(), 1);
    let ticks = database.ticks_of("queued").await;
    assert!(are_consecutive(&ticks), "{ticks:?}");
    // A pause holds the waiting ticks too.
    eventually("a tick waits", async || {
        queue.schedules().find("queued").await.unwrap().unwrap().waiting > 0
    })
    .await;
    queue.schedules().pause("queued").await.unwrap();
    probe.open_gate(1);
    eventually("the job ends", async || database.count("jobs").await == 0).await;
    assert!(queue.schedules().find("queued").await.unwrap().unwrap().waiting > 0);
    queue.schedules().resume("queued").await.unwrap();
    probe.next_run().await;
    probe.open_gate(100);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn jobs_may_run_at_once_where_overlap_is_allowed() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.put("many", Say::WaitForGate, every(1)).await, Probe::new());
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    probe.next_run().await;
    probe.next_run().await;
    assert!(probe.running() >= 2);
    probe.open_gate(10);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_that_is_run_now_is_refused_while_an_earlier_one_is_live() {
    let database = TestDatabase::migrated().await;
    let daily = every(24 * 3600).overlap(Overlap::Skip);
    let (queue, probe) = (database.put("one", Say::WaitForGate, daily).await, Probe::new());
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    let first = queue.schedules().run_now("one").await.unwrap();
    assert_eq!(probe.next_run().await.job_id, first);
    let error = queue.schedules().run_now("one").await.unwrap_err();
    let names_it =
        matches!(error, simple_queue::Error::Duplicate { job_id, .. } if job_id == first);
    assert!(names_it, "{error}");
    probe.open_gate(2);
    eventually("it ends", async || database.count("archive").await == 1).await;
    queue.schedules().run_now("one").await.unwrap();
    probe.next_run().await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn jobs_that_are_run_now_wait_for_each_other() {
    let database = TestDatabase::migrated().await;
    let daily = every(24 * 3600).overlap(Overlap::Queue);
    let (queue, probe) = (database.put("queued", Say::WaitForGate, daily).await, Probe::new());
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(queue.schedules().run_now("queued").await.unwrap());
    }
    for id in ids {
        assert_eq!(probe.next_run().await.job_id, id);
        probe.open_gate(1);
    }
    assert_eq!(probe.most_at_once(), 1);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_that_is_run_now_is_enqueued_once_though_the_answer_is_lost() {
    let database = TestDatabase::migrated().await;
    let daily = || every(24 * 3600);
    database.put("allowed", Say::Success, daily()).await;
    database.put("queued", Say::Success, daily().overlap(Overlap::Queue)).await;
    let proxy = Proxy::start(&database.url).await;
    let queue = TestDatabase::queue_at(&proxy.url(&database.url)).await;
    let mut ids = Vec::new();
    for name in ["allowed", "queued"] {
        let lost = proxy.lose_answer_to("-- run_schedule");
        ids.push(queue.schedules().run_now(name).await.unwrap());
        lost.await.unwrap();
    }
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    let mut runs = [probe.next_run().await.job_id, probe.next_run().await.job_id];
    runs.sort_unstable();
    ids.sort_unstable();
    assert_eq!(runs.as_slice(), ids);
    eventually("both end", async || database.count("archive").await == 2).await;
    assert_eq!(queue.schedules().find("queued").await.unwrap().unwrap().waiting, 0);
    assert_eq!(database.count("all_jobs").await, 2);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn policies_that_contradict_each_other_are_refused() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let skip = || every(1).overlap(Overlap::Skip);
    let keyed = simple_queue::Enqueue::new(Do(Say::Success)).unique_key("mine");
    let delayed = simple_queue::Enqueue::new(Do(Say::Success)).delay(STOP);
    let replacing = simple_queue::Enqueue::new(Do(Say::Success))
        .unique_key("mine")
        .on_conflict(simple_queue::OnConflict::Replace);
    for (refused, problem) in [
        (queue.schedules().put("a", keyed, skip()).await, "is a unique key itself"),
        (queue.schedules().put("a", delayed, every(1)).await, "leave `delay` and `at` out"),
        (queue.schedules().put("a", replacing, every(1)).await, "leave `on_conflict`"),
        (queue.schedules().put("", Do(Say::Success), every(1)).await, "1 to 200 bytes"),
        (
            queue
                .schedules()
                .put("a", Do(Say::Success), skip().misfire(simple_queue::Misfire::Backfill))
                .await,
            "only the first of the late ticks",
        ),
    ] {
        let error = refused.unwrap_err();
        let is_of_schedules =
            matches!(&error, simple_queue::Error::Schedule(ScheduleError::Invalid { .. }));
        assert!(is_of_schedules && error.to_string().contains(problem), "{error}");
    }
    assert_eq!(database.count("schedules").await, 0);
}
