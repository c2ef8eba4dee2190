//! Counts of jobs.

use simple_queue::{Count, JobFilter};

use super::find::some_of_each;
use crate::support::TestDatabase;

#[tokio::test]
async fn a_state_has_as_many_jobs_as_its_list() {
    let database = TestDatabase::migrated().await;
    let admin = database.queue().await.admin();
    for filter in [JobFilter::waiting(), JobFilter::later()] {
        assert_eq!(admin.count(&filter).await.unwrap(), Count::Exact(0), "{filter}, of none");
    }
    some_of_each(&database).await;
    // A key with jobs that are due and jobs that are not.
    let keyed = || database.job().queue("b").set("gate", "'key:b/k#1'");
    keyed().insert_many(3).await;
    keyed().set("run_at", "now() + interval '1 hour'").insert_many(4).await;
    database.job().queue("b").suspect().set("run_at", "now() + interval '1 h'").insert().await;
    for (filter, rows) in [
        (JobFilter::waiting(), "jobs where worker_id is null and run_at <= now()"),
        (JobFilter::later(), "jobs where worker_id is null and run_at > now()"),
        (JobFilter::running(), "jobs where worker_id is not null"),
        (JobFilter::live(), "jobs"),
        (JobFilter::done(), "archive"),
        (JobFilter::dead(), "dead_letters"),
    ] {
        let expected = database.count(rows).await;
        assert!(expected > 0, "there are such jobs: {filter}");
        let counted = admin.count(&filter).await.unwrap();
        assert_eq!(counted, Count::Exact(expected.unsigned_abs()), "{filter}");
    }
}

#[tokio::test]
async fn a_count_ends_at_its_bound_and_says_that_there_may_be_more() {
    let database = TestDatabase::migrated().await;
    let admin = database.queue().await.admin();
    database.job().set("queue", "'q' || n % 5").insert_many(10_001).await;
    database.job().queue("later").due_in(std::time::Duration::from_hours(1)).insert_many(2).await;
    for filter in [JobFilter::waiting(), JobFilter::live()] {
        let many = admin.count(&filter).await.unwrap();
        assert!(matches!(many, Count::AtLeast(10_000..)), "{filter}: {many:?}");
        assert_eq!(many.to_string(), "10,000+");
    }
    assert_eq!(admin.count(&JobFilter::later()).await.unwrap(), Count::Exact(2));
}
