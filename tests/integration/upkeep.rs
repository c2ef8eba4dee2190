//! The history is bounded: partitions of days are made ahead and dropped whole.

use std::time::Duration;

use simple_queue::{Retention, prelude::*};

use crate::support::{Log, STOP, TestDatabase, eventually};

const PARTITIONS: &str =
    "select count(*) from pg_inherits where inhparent = 'simple_queue.archive'::regclass";

/// Makes a partition of a day in the past.
fn old_day(day: &str) -> String {
    format!(
        "create table simple_queue.archive_{} partition of simple_queue.archive
         for values from ('{day} 00:00+00') to ('{day} 24:00+00')",
        day.replace('-', "")
    )
}

/// 20 ms between two passes of the janitor, and before its first.
const SOON: Duration = Duration::from_millis(20);

#[tokio::test]
async fn partitions_are_there_a_week_ahead_and_made_once() {
    let database = TestDatabase::migrated().await;
    assert_eq!(database.value::<i64>(PARTITIONS).await, 9, "yesterday, today and seven days");
    assert_eq!(database.value::<i32>("select simple_queue.ensure_archive_partitions(7)").await, 0);
    assert_eq!(database.value::<i32>("select simple_queue.ensure_archive_partitions(10)").await, 3);
    let kept = "select count(*) from pg_constraint where contype = 'p' and conrelid in (
        select inhrelid from pg_inherits where inhparent = 'simple_queue.archive'::regclass)";
    assert_eq!(database.value::<i64>(kept).await, 12, "each has its primary key");
}

#[tokio::test]
async fn many_processes_may_make_partitions_at_once() {
    let database = TestDatabase::migrated().await;
    let made = futures_util::future::join_all(
        (0..5).map(|_| database.value::<i32>("select simple_queue.ensure_archive_partitions(30)")),
    )
    .await;
    assert_eq!(made.iter().sum::<i32>(), 23, "{made:?}");
}

#[tokio::test]
async fn the_janitor_drops_days_and_deletes_dead_letters_that_are_older_than_what_is_kept() {
    let database = TestDatabase::migrated().await;
    for day in ["2020-01-01", "2020-01-02"] {
        database.execute(&old_day(day)).await;
    }
    // As an operator leaves a day that is to be kept.
    database.execute(&old_day("2020-01-03")).await;
    database
        .execute("alter table simple_queue.archive detach partition simple_queue.archive_20200103")
        .await;
    let one_a_day = database.dead_letter().set("finished_at", "now() - n * interval '1 day'");
    one_a_day.insert_many(2500).await;
    let day = Duration::from_hours(24);
    let retention = Retention::new().archive(30 * day).dead_letters(100 * day);
    let queue = database.queue().await.with_retention(retention).with_janitor_interval(SOON);
    let worker = queue.start().await;
    eventually("the old is gone", async || {
        database.value::<i64>("select count(*) from pg_class where relname like 'archive_2020%' and relkind = 'r'").await == 1
            && database.count("dead_letters").await < 2500
    })
    .await;
    eventually("dead letters too", async || database.count("dead_letters").await <= 100).await;
    assert!(database.count("dead_letters").await >= 99);
    assert_eq!(database.value::<i64>(PARTITIONS).await, 9);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn an_archive_that_is_kept_for_ever_keeps_the_janitor_from_nothing_else() {
    let database = TestDatabase::migrated().await;
    database.dead_letter().set("finished_at", "now() - interval '1 day'").insert().await;
    let retention = Retention::new().archive(Duration::MAX).dead_letters(Duration::from_hours(1));
    let queue = database.queue().await.with_retention(retention).with_janitor_interval(SOON);
    let worker = queue.start().await;
    eventually("the dead letter is gone", async || database.count("dead_letters").await == 0).await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_with_its_own_retention_outlives_its_day_or_goes_before_it() {
    let database = TestDatabase::migrated().await;
    database.execute(&old_day("2020-01-01")).await;
    let old = "'2020-01-01 12:00+00'";
    for (jobs, finished_at, keep_until) in [
        (database.archived(), old, "null"),
        (database.archived(), old, "now() + interval '1 day'"),
        (database.archived(), "now()", "null"),
        (database.archived(), "now()", "now()"),
        (database.dead_letter(), old, "null"),
        (database.dead_letter(), old, "now() + interval '1 day'"),
        (database.dead_letter(), "now()", "now()"),
    ] {
        let jobs = jobs.set("finished_at", finished_at).set("keep_until", keep_until);
        jobs.insert_many(1500).await;
    }
    let worker = database.queue().await.start().await;
    let left = async || (database.count("archive").await, database.count("dead_letters").await);
    eventually("only what is kept is left", async || left().await == (3000, 1500)).await;
    assert_eq!(database.count("archive where keep_until > now()").await, 1500);
    assert_eq!(database.count("dead_letters where keep_until > now()").await, 1500);
    worker.shutdown(STOP).await;
}

#[job(queue = "q", retries = 0)]
async fn fails_or_not(fails: bool) -> Result<(), BoxDynError> {
    if fails { Err("no".into()) } else { Ok(()) }
}

#[tokio::test]
async fn a_declared_retain_is_counted_from_the_jobs_end() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![FailsOrNot], ()).unwrap();
    for fails in [true, false] {
        FailsOrNot::new(fails).enqueue(&queue).await.unwrap();
    }
    database.change_jobs().set("retain", "interval '2 days'").write().await;
    let worker = queue.start().await;
    eventually("both are over", async || database.count("jobs").await == 0).await;
    let kept = "where keep_until = finished_at + interval '2 days'";
    assert_eq!(database.count(&format!("archive {kept}")).await, 1);
    assert_eq!(database.count(&format!("dead_letters {kept}")).await, 1);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn each_pass_of_the_janitor_deletes_what_is_old_and_only_some_look_at_the_days() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_janitor_interval(SOON);
    let old_day = old_day("2020-01-01");
    let old_days = "select count(*) from pg_class where relname = 'archive_20200101'";
    database.execute(&old_day).await;
    let worker = queue.start().await;
    eventually("the first pass dropped it", async || database.value::<i64>(old_days).await == 0)
        .await;
    database.execute(&old_day).await;
    for _ in 0..3 {
        database.dead_letter().set("finished_at", "now() - interval '1 year'").insert().await;
        eventually("it is gone", async || database.count("dead_letters").await == 0).await;
    }
    assert_eq!(database.value::<i64>(old_days).await, 1, "days are looked at once an hour");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn an_old_day_waits_for_readers_of_the_archive_and_holds_up_nothing_else() {
    let database = TestDatabase::migrated().await;
    database.execute(&old_day("2020-01-01")).await;
    let mut reader = database.pool.begin().await.unwrap();
    sqlx::query("select from simple_queue.archive").execute(&mut *reader).await.unwrap();
    let queue = database.queue().await.with_janitor_interval(SOON);
    let (log, _guard) = Log::of_this_thread();
    queue.register(jobs![FailsOrNot], ()).unwrap();
    let worker = queue.start().await;
    eventually("it is logged", async || log.count("could not be dropped yet") > 1).await;
    FailsOrNot::new(false).enqueue(&queue).await.unwrap();
    eventually("a job is archived", async || database.count("archive").await == 1).await;
    reader.rollback().await.unwrap();
    let old = "select to_regclass('simple_queue.archive_20200101') is null";
    eventually("the day is dropped", async || database.value::<bool>(old).await).await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_table_that_has_the_name_of_a_day_keeps_no_other_day_from_being_made() {
    let database = TestDatabase::migrated().await;
    let tenth = "select 'archive_' || to_char((now() at time zone 'utc')::date + 10, 'YYYYMMDD')";
    let tenth: String = database.value(tenth).await;
    database.execute(&format!("create table simple_queue.{tenth} ()")).await;
    assert_eq!(database.value::<i32>("select simple_queue.ensure_archive_partitions(11)").await, 3);
}

#[tokio::test]
async fn a_partition_with_no_day_in_its_name_keeps_nothing_else_from_being_removed() {
    let database = TestDatabase::migrated().await;
    database.execute(&old_day("2020-01-01")).await;
    // The second has the form of a day and is none.
    for (name, day) in [("20209940", "2020-01-02"), ("20200231", "2020-01-03")] {
        let day = format!(
            "create table simple_queue.archive_{name} partition of simple_queue.archive
             for values from ('{day} 00:00+00') to ('{day} 24:00+00')"
        );
        database.execute(&day).await;
    }
    for (finished_at, keep_until) in [
        ("'-infinity'", "null"),
        ("'infinity'", "'infinity'"),
        ("'infinity'", "'-infinity'"),
        ("'2020-01-01'", "null"),
    ] {
        let hostile = database.dead_letter().set("finished_at", finished_at);
        hostile.set("keep_until", keep_until).insert().await;
    }
    let worker = database.queue().await.with_janitor_interval(SOON).start().await;
    eventually("all but one are gone", async || database.count("dead_letters").await == 1).await;
    database.execute("drop table simple_queue.archive_20200231").await;
    let old = "select to_regclass('simple_queue.archive_20200101') is null";
    eventually("the day is dropped", async || database.value::<bool>(old).await).await;
    worker.shutdown(STOP).await;
}
