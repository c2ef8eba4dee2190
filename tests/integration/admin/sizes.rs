//! Every look is bounded, whatever the sizes of the tables.

use std::time::{Duration, Instant};

use simple_queue::{Acted, Admin, Count, JobFilter};
use uuid::Uuid;

use crate::support::TestDatabase;

/// 1,000,000 jobs that wait in ten queues, and as many dead letters.
const MANY: usize = 1_000_000;

/// 300 ms, which an operator's call may take.
const LIMIT: Duration = Duration::from_millis(300);

/// 200,000 completed jobs, or ten million where `SIMPLE_QUEUE_SIZES` is `full`: they take minutes to make.
fn archived() -> usize {
    let is_full = std::env::var("SIMPLE_QUEUE_SIZES").is_ok_and(|sizes| sizes == "full");
    if is_full { 10_000_000 } else { 200_000 }
}

async fn full_database() -> TestDatabase {
    let database = TestDatabase::migrated().await;
    database
        .fill_jobs(async || {
            let job = database.job().set("queue", "'q' || n % 10").set("kind", "'k' || n % 7");
            job.set("priority", "n % 3").insert_many(MANY).await;
        })
        .await;
    let dead = database.dead_letter().set("queue", "'q' || n % 10").set("kind", "'k' || n % 7");
    dead.set("finished_at", "now() - n * interval '100 ms'")
        .set("errors", r#"'[{"attempt": 1, "error": "connection refused"}]'"#)
        .insert_many(MANY)
        .await;
    database.archived().insert_many(archived()).await;
    let tables = ["jobs", "dead_letters", "archive"].map(|table| format!("simple_queue.{table}"));
    database.execute(&format!("vacuum analyze {}", tables.join(", "))).await;
    database
}

/// The shortest of three times: other tests run beside it.
async fn timed<T>(what: &str, call: impl AsyncFn() -> T) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..3 {
        let began = Instant::now();
        call().await;
        shortest = std::cmp::min(shortest, began.elapsed());
    }
    println!("{what}: {shortest:?}");
    shortest
}

async fn looks(admin: &Admin) -> Vec<(String, Duration)> {
    let filters = [
        "state:live",
        "state:waiting",
        "state:later",
        "state:waiting queue:q3",
        "state:later queue:q3",
        "state:waiting queue:q3 kind:k5 priority:2",
        "state:live queue:none",
        "state:running",
        "state:live args.nothing:1",
        "state:live key:none",
        "state:dead",
        "state:dead kind:k5 error:refused",
        "state:dead error:\"something else\"",
        "state:dead finished:-1h..-30m",
        "state:done",
        "state:done queue:none",
        "queue:none",
        "",
    ];
    let mut times = Vec::new();
    for filter in filters {
        let filter: JobFilter = filter.parse().unwrap();
        let list = async || admin.find(&filter).limit(50).await.unwrap();
        times.push((format!("find {filter}"), timed(&format!("find {filter}"), list).await));
        let count = async || admin.count(&filter).await.unwrap();
        times.push((format!("count {filter}"), timed(&format!("count {filter}"), count).await));
    }
    for filter in ["", "error:refused", "finished:-1h..", "kind:none"] {
        let filter: JobFilter = filter.parse().unwrap();
        let grouped = async || admin.error_groups(&filter).await.unwrap();
        let what = format!("groups of {filter}");
        times.push((what.clone(), timed(&what, grouped).await));
    }
    times
}

#[tokio::test]
async fn no_look_and_no_act_takes_longer_than_an_operator_waits() {
    let database = full_database().await;
    let admin = database.queue().await.admin().as_actor("ann");
    let mut times = looks(&admin).await;
    // However many wait, those of a later time are counted by themselves.
    assert_eq!(admin.count(&JobFilter::later()).await.unwrap(), Count::Exact(0));
    let some: Vec<Uuid> = database
        .value("select array_agg(id) from (select id from simple_queue.jobs limit 20) x")
        .await;
    let dead: Vec<Uuid> = database
        .value("select array_agg(id) from (select id from simple_queue.dead_letters limit 20) x")
        .await;
    let done: Uuid = database.value("select id from simple_queue.archive limit 1").await;
    for (what, id) in
        [("waiting", some[0]), ("dead", dead[0]), ("done", done), ("unknown", Uuid::now_v7())]
    {
        let look = async || admin.job(id).await.unwrap();
        times.push((format!("job, {what}"), timed(&format!("job, {what}"), look).await));
    }
    times.push((
        "acts".to_owned(),
        timed("acts", async || admin.acts(None, 50).await.unwrap()).await,
    ));
    for id in 1..4 {
        let (job, letter) = (some[id], dead[id]);
        let began = Instant::now();
        let acted = [
            admin.run_now(job).await.unwrap(),
            admin.set_priority(job, 1).await.unwrap(),
            admin.edit(job).max_attempts(4).await.unwrap(),
            admin.delete(job).await.unwrap(),
            admin.retry(letter).await.unwrap(),
        ];
        assert_eq!(acted, [Acted::Done; 5]);
        times.push((format!("five acts on {job}"), began.elapsed() / 5));
    }
    times.retain(|(_, time)| *time > LIMIT);
    assert!(times.is_empty(), "{times:?}");
    assert_eq!(database.count("audit").await, 15);
}
