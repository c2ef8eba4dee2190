//! Every page is bounded, whatever the sizes of the tables.

use std::time::{Duration, Instant};

use sqlx::AssertSqlSafe;

use crate::{
    pages::pages_of,
    place::{Greet, Place},
};

/// 1,000,000 jobs that wait in ten queues, and as many dead letters, where `SIMPLE_QUEUE_SIZES` is `full`, and ten
/// million completed jobs. Otherwise a tenth: they take minutes to make.
fn sizes() -> (u64, u64) {
    let is_full = std::env::var("SIMPLE_QUEUE_SIZES").is_ok_and(|sizes| sizes == "full");
    if is_full { (1_000_000, 10_000_000) } else { (100_000, 200_000) }
}

/// 300 ms, which a page may take.
const LIMIT: Duration = Duration::from_millis(300);

/// Lists that find nothing, and those that look into what jobs contain.
const SEARCHES: &[&str] = &[
    "/jobs?q=state:done",
    "/jobs?q=state:done+queue:none",
    "/jobs?q=state:running",
    "/jobs?q=state:later",
    "/jobs?q=queue:none",
    "/jobs?q=state:live+args.nothing:1",
    "/jobs?q=state:dead+error:refused",
    "/jobs?q=state:dead+error:nothing",
    "/jobs?q=state:done+created:-1h..",
];

/// Its ids are in the order in which the jobs were made, as those of a queue are.
async fn fill(place: &Place) {
    let (many, archived) = sizes();
    let rows = |table: &str, columns: &str, values: &str, rows: u64| {
        format!(
            "insert into simple_queue.{table}
                (id, lease, queue, kind, priority, attempt, reprocess_count, crash_count, version, job_data, created_at{columns})
             select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint - {rows} + n), 12, '0') || '70008000' ||
                 lpad(to_hex(n), 12, '0'))::uuid, 1, 'q' || n % 10, 'k' || n % 7, n % 3, 1, 0, 0, 1,
                 '{{\"name\": \"ann\"}}', now() - interval '1 h'{values}
             from generate_series(1, {rows}) n"
        )
    };
    let ended = "now() - n % 3600 * interval '1 s'";
    let error = r#"'[{"attempt": 1, "error": "connection refused"}]'"#;
    for insert in [
        rows("jobs", ", run_at", ", now()", many),
        rows(
            "dead_letters",
            ", status, reason, errors, finished_at",
            &format!(", 'failed', 'test', {error}, {ended}"),
            many,
        ),
        rows("archive", ", finished_at", &format!(", {ended}"), archived),
        "vacuum analyze simple_queue.jobs".to_owned(),
        "vacuum analyze simple_queue.dead_letters".to_owned(),
        "vacuum analyze simple_queue.archive".to_owned(),
    ] {
        sqlx::query(AssertSqlSafe(insert)).execute(place.queue.pool()).await.unwrap();
    }
}

/// The shortest of up to ten times: other tests run beside it. Each is of a dashboard that remembers nothing.
async fn timed(place: &Place, path: &str) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..10 {
        let site = place.open();
        let began = Instant::now();
        assert_eq!(site.get(path).await.status, 200, "{path}");
        shortest = std::cmp::min(shortest, began.elapsed());
        if shortest < LIMIT {
            break;
        }
    }
    println!("{path}: {shortest:?}");
    shortest
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_takes_longer_than_an_operator_waits() {
    let place = Place::new().await;
    place.work(&["ann", "!bob"]).await;
    let paused = place.queue.admin().as_actor("ann").pause("crawls").await.unwrap();
    assert!(!paused.was_paused, "it is an act that the pages show");
    Greet::new("cem".to_owned(), "secret".to_owned()).enqueue(&place.queue).await.unwrap();
    let mut pages = pages_of(&place).await;
    fill(&place).await;
    pages.extend(SEARCHES.iter().map(|path| (*path).to_owned()));
    pages.push("/queues/q3".to_owned());
    let mut slow = Vec::new();
    for path in pages {
        let time = timed(&place, &path).await;
        if time > LIMIT {
            slow.push((path, time));
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
}
