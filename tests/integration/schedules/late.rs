//! What happens to ticks that could not run in time.

use simple_queue::{Misfire, Overlap, Schedule};

use super::cron;
use crate::support::{Probe, STOP, Say, TestDatabase, eventually};

/// At each of the ten minutes that lie two to eleven minutes back.
async fn ten_minutes_of(database: &TestDatabase) -> Schedule {
    let minutes: String = database
        .value(
            "select string_agg(extract(minute from now() - n * interval '1 min')::text, ',')
            from generate_series(2, 11) n",
        )
        .await;
    cron(&format!("{minutes} * * * *"))
}

/// The jobs of a schedule after its server was away for ten minutes.
async fn after_ten_minutes(misfire: Misfire, overlap: Overlap) -> (TestDatabase, i64) {
    let database = TestDatabase::migrated().await;
    let schedule = ten_minutes_of(&database).await.misfire(misfire).overlap(overlap);
    let queue = database.put("away", Say::Success, schedule).await;
    database.execute("update simple_queue.schedules set next_at = now() - interval '13 min'").await;
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    eventually("its next tick is in the future", async || {
        database.count("schedules where next_at > now() and waiting is null").await == 1
    })
    .await;
    eventually("the jobs are done", async || database.count("jobs").await == 0).await;
    worker.shutdown(STOP).await;
    let jobs = database.jobs_of("away").await;
    (database, jobs)
}

#[tokio::test]
async fn after_ten_minutes_away_coalesce_runs_one_job_which_covers_all_ticks() {
    let (database, jobs) = after_ten_minutes(Misfire::Coalesce, Overlap::Allow).await;
    assert_eq!(jobs, 1);
    let late: f64 = database
        .value("select extract(epoch from created_at - scheduled_at)::double precision from simple_queue.archive")
        .await;
    assert!((60.0..240.0).contains(&late), "the last of the ticks: {late}");
}

#[tokio::test]
async fn after_ten_minutes_away_skip_runs_none() {
    let (_database, jobs) = after_ten_minutes(Misfire::Skip, Overlap::Allow).await;
    assert_eq!(jobs, 0);
}

#[tokio::test]
async fn after_ten_minutes_away_backfill_runs_each() {
    let (database, jobs) = after_ten_minutes(Misfire::Backfill, Overlap::Allow).await;
    assert_eq!(jobs, 10);
    assert_eq!(database.ticks_of("away").await, (0..10).map(|n| n * 60).collect::<Vec<_>>());
    let seamless: bool = database
        .value(
            "select bool_and(since = before) from (
                select (metadata #>> '{@schedule, since}')::timestamptz as since,
                    lag(scheduled_at) over (order by scheduled_at) as before
                from simple_queue.archive
            ) jobs",
        )
        .await;
    assert!(seamless, "what lies between two jobs is the later one's");
}

#[tokio::test]
async fn backfilled_ticks_run_one_after_the_other_if_they_may_not_overlap() {
    let (database, jobs) = after_ten_minutes(Misfire::Backfill, Overlap::Queue).await;
    assert_eq!(jobs, 10);
    let in_order: bool = database
        .value(
            "select bool_and(created_at >= ended) from (
                select created_at, lag(finished_at) over (order by scheduled_at) as ended from simple_queue.archive
            ) jobs",
        )
        .await;
    assert!(in_order, "each began when the one before had ended");
}
