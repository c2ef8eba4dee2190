//! What workers count of their runs.

use std::{sync::Arc, time::Duration};

use simple_queue::{StatsInterval, prelude::*};
use tokio::sync::Notify;

use crate::{
    statements::carry_out,
    support::{Probe, STOP, Say, TestDatabase, eventually},
};

const HOUR: Duration = Duration::from_hours(1);

/// Runs one job for each of these, and stops, which writes the counts.
async fn run(queue: &SimpleQueue, says: &[Say]) {
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    queue.insert_jobs(says.iter().map(|&say| Probe::job(say)).collect()).await.unwrap();
    let worker = queue.start().await;
    for _ in says {
        probe.next_run().await;
    }
    worker.shutdown(STOP).await;
}

/// All counts in one interval.
fn in_all(intervals: Vec<StatsInterval>) -> [u64; 6] {
    let mut sums = [0; 6];
    for it in intervals {
        let counts = [it.runs, it.completed, it.retried, it.snoozed, it.dead, it.cancelled];
        sums = std::array::from_fn(|place| sums[place] + counts[place]);
    }
    sums
}

#[tokio::test]
async fn each_end_is_counted_in_its_minute_with_its_times() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    run(&queue, &[Say::Success, Say::Success, Say::Critical, Say::Cancel]).await;
    let intervals = queue.stats().by_queue().await.unwrap();
    assert!(intervals.iter().all(|it| it.queue == Probe::QUEUE && it.width == HOUR / 60));
    assert!(intervals.iter().all(|it| it.run.count() == it.runs && it.wait.count() == it.runs));
    let shown = intervals[0].to_string();
    assert!(shown.contains(" probe: ") && shown.contains(" runs, "), "{shown}");
    assert_eq!(in_all(intervals), [4, 2, 0, 0, 1, 1]);
    let first: String = database
        .value("select string_agg(distinct width::text, ' ') from simple_queue.stats")
        .await;
    assert_eq!(first, "60");
}

#[tokio::test]
async fn the_completed_runs_are_as_many_as_the_archive_has() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let jobs = (0..500).map(|number| {
        // Every tenth fails once first.
        Probe::job(if number % 10 == 0 { Say::FailBefore(2) } else { Say::Success })
    });
    queue.insert_jobs(jobs.collect()).await.unwrap();
    let workers = [queue.start().await, queue.start().await];
    eventually("all are done", async || database.count("archive").await == 500).await;
    for worker in workers {
        worker.shutdown(STOP).await;
    }
    assert_eq!(in_all(queue.stats().await.unwrap()), [550, 500, 50, 0, 0, 0]);
}

#[tokio::test]
async fn a_worker_that_is_told_so_counts_nothing() {
    let database = TestDatabase::migrated().await;
    let queue = SimpleQueue::builder(database.queue().await.pool()).stats(false).build().unwrap();
    run(&queue, &[Say::Success]).await;
    assert_eq!(database.count("archive").await, 1);
    assert_eq!(database.count("stats").await, 0);
}

#[tokio::test]
async fn wider_intervals_are_computed_anew_and_old_rows_are_deleted() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    // One run a minute, for three hours, alternately of two kinds.
    database
        .execute(
            "insert into simple_queue.stats (width, at, queue, kind, runs, completed, wait_ms, run_ms, wait, run)
            select 60, date_bin('1 min', now(), 'epoch') - n * interval '1 min', 'q', 'kind ' || n % 2, 1, 1, 3, 70,
                '{0,0,1}', '{0,0,0,0,0,0,0,1}'
            from generate_series(0, 179) n",
        )
        .await;
    let mut connection = database.pool.acquire().await.unwrap();
    for _ in 0..2 {
        for (width, narrower) in
            [("600::integer", "60::integer"), ("3600::integer", "600::integer")]
        {
            let arguments = vec![("width", width), ("narrower", narrower)];
            carry_out(&mut connection, "roll_up_stats", &arguments).await;
        }
    }
    let tens = queue.stats().by_kind().width(HOUR / 6).await.unwrap();
    let full: Vec<_> = tens.iter().filter(|it| it.runs == 5).collect();
    assert!(full.len() >= 2, "the ten minutes before the present ones: {tens:?}");
    assert!(full.iter().all(|it| it.run.count() == 5 && it.wait.count() == 5));
    assert_eq!(full[0].run.mean(), Some(Duration::from_millis(70)));
    let hours = queue.stats().width(HOUR).last(HOUR * 3).await.unwrap();
    assert!(hours.iter().map(|it| it.runs).sum::<u64>() >= 10, "{hours:?}");
    database
        .execute("update simple_queue.stats set at = at - interval '15 days' where width < 3600")
        .await;
    let old = "stats where width < 3600";
    let before = database.count(old).await;
    for (limit, left) in [("100::bigint", before - 100), ("1000::bigint", 0)] {
        carry_out(&mut connection, "delete_old_stats", &vec![("limit", limit)]).await;
        assert_eq!(database.count(old).await, left);
    }
    assert!(database.count("stats").await >= 1);
}

#[tokio::test]
async fn processes_add_to_the_same_minute() {
    let database = TestDatabase::migrated().await;
    for _ in 0..3 {
        run(&database.queue().await, &[Say::Success, Say::Critical]).await;
    }
    let queue = database.queue().await;
    let kinds = queue.stats().queue(Probe::QUEUE).kind("").last(HOUR).await.unwrap();
    assert_eq!(in_all(kinds), [6, 3, 0, 0, 3, 0]);
    assert!(queue.stats().queue("other").await.unwrap().is_empty());
}

#[derive(Debug, Clone, JobState)]
struct Gate(Arc<Notify>);

#[tokio::test]
async fn a_worker_tells_how_many_jobs_it_has_and_since_when_all_its_permits_are_in_use() {
    #[job(queue = "full")]
    async fn hold(gate: &Gate) {
        gate.0.notified().await;
    }

    let database = TestDatabase::migrated().await;
    let (queue, gate) = (database.queue().await.with_global_semaphore(2), Gate(Arc::default()));
    queue.register(jobs![Hold], gate.clone()).unwrap();
    let worker = queue.start().await;
    let state = async || queue.workers().await.unwrap().remove(0);
    Hold::new().enqueue(&queue).await.unwrap();
    eventually("it has one", async || state().await.claimed == 1).await;
    let one = state().await;
    assert_eq!((one.permits, one.full_since), (Some(2), None));
    Hold::new().enqueue(&queue).await.unwrap();
    eventually("it is full", async || state().await.full_since.is_some()).await;
    let full = state().await;
    assert_eq!(full.claimed, 2);
    eventually("it beats", async || state().await.heartbeat_at > full.heartbeat_at).await;
    assert_eq!(state().await.full_since, full.full_since, "since the first such heartbeat");
    gate.0.notify_one();
    eventually("it is no longer full", async || state().await.full_since.is_none()).await;
    gate.0.notify_one();
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_long_run_is_listed_with_what_it_says_of_itself() {
    #[job(queue = "long")]
    async fn import(context: &JobContext, gate: &Gate, pages: u32) {
        context.progress(f64::from(pages) / 10.0);
        context.note(&format!("page {pages}"));
        gate.0.notified().await;
    }

    let database = TestDatabase::migrated().await;
    let (queue, gate) = (database.queue().await, Gate(Arc::default()));
    queue.register(jobs![Import], gate.clone()).unwrap();
    let worker = queue.start().await;
    let workers = queue.workers().await.unwrap();
    assert_eq!(workers.len(), 1);
    assert!(workers[0].queues == ["long"] && !workers[0].is_silent, "{workers:?}");
    let job = Import::new(4).enqueue(&queue).await.unwrap().id();
    assert!(queue.running().await.unwrap().is_empty(), "short runs are not told");
    eventually("it is told", async || !queue.running().await.unwrap().is_empty()).await;
    let running = queue.running().await.unwrap();
    assert_eq!((running.len(), running[0].job_id), (1, job));
    assert_eq!((running[0].progress, running[0].note.as_deref()), (Some(0.4), Some("page 4")));
    assert_eq!(running[0].worker_id, workers[0].id);
    let began: bool = database
        .value(&format!(
            "select '{}' between now() - interval '1 min' and now()",
            running[0].started_at
        ))
        .await;
    assert!(began, "{running:?}");
    assert!(running[0].to_string().ends_with(", 40 %, page 4"), "{}", running[0]);
    gate.0.notify_one();
    eventually("it ends", async || queue.running().await.unwrap().is_empty()).await;
    eventually("the row is told", async || database.count("workers where runs <> '[]'").await == 0)
        .await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn queues_are_listed_with_what_waits_in_them() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let due = database.job().queue("deep").set("priority", "n % 3");
    due.set("run_at", "now() - interval '1 min'").insert_many(12_000).await;
    let later = database.job().queue("shallow").set("run_at", "now() + interval '1 h'");
    later.insert_many(3).await;
    database.job().queue("keyed").set("gate", "'key:keyed/sync#' || n").insert_many(7).await;
    queue.pause("empty").await.unwrap();
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    let mut connection = database.pool.acquire().await.unwrap();
    for name in ["deep", "shallow", "keyed", "probe"] {
        let (quoted, rules) = (format!("'{name}'"), format!("array['key:{name}', 'order:{name}']"));
        let arguments = vec![("queue", &*quoted), ("rules", &*rules), ("most", "10001::integer")];
        carry_out(&mut connection, "sample_depth", &arguments).await;
    }
    let states = queue.queues().await.unwrap();
    let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
    let keyed = states.iter().find(|it| it.name == "keyed");
    assert!(keyed.is_none(), "no process serves it, and all its jobs have keys");
    let waiting: i32 =
        database.value("select waiting from simple_queue.stats where queue = 'keyed'").await;
    assert_eq!(waiting, 7);
    assert!(lines[0].starts_with("deep: 0 workers, 10,000+ wait, the oldest for "), "{lines:?}");
    assert!(lines[0].ends_with(", 0 later"), "{lines:?}");
    assert!(lines[1].starts_with("empty: 0 workers, paused since "), "{lines:?}");
    assert_eq!(lines[2], "probe: 1 worker, 0 wait, 0 later");
    assert_eq!(lines[3], "shallow: 0 workers, 0 wait, 3 later");
    worker.shutdown(STOP).await;
}
