//! Time that passes when a test says so.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kit::{App, Book, Call, Nightly, SendWelcome};
use simple_queue::{JobStatus, prelude::*, testing::*};
use sqlx::PgPool;

#[sqlx::test]
#[ignore = "`server` runs it"]
async fn a_year_of_nights_passes_within_a_second(pool: PgPool) {
    let app = Arc::new(App::fake());
    let queue = TestQueue::new(&pool, jobs![Nightly], Arc::clone(&app)).await;
    let mut took = Duration::MAX;
    // A machine that does something else may take longer.
    let mut years = 0;
    while years < 10 && took >= secs(1) {
        years += 1;
        let began = Instant::now();
        queue.advance(days(365)).await;
        queue.drain().await.expect_completed(365);
        took = std::cmp::min(took, began.elapsed());
        assert_eq!(app.mailer.sent().len(), years * 365);
    }
    println!("a year of nights: {took:?}");
    assert!(took < secs(1), "{took:?}");

    // Each night once. The clock of Berlin goes from two to three in spring, and back in autumn.
    let mut nights: Vec<String> = app.mailer.sent();
    nights.sort();
    nights.dedup();
    assert_eq!(nights.len(), years * 365);
    let at = |hour: &str| nights.iter().filter(|night| night.contains(hour)).count();
    let (summer, winter) = (at(" 00:30:00 UTC"), at(" 01:30:00 UTC"));
    assert!(summer > years * 200 && winter > years * 140, "{summer} and {winter} nights");
    assert!(summer + winter >= years * 364, "{summer} and {winter} nights");
}

#[sqlx::test]
#[ignore = "`server` runs it"]
async fn a_schedule_fires_tick_by_tick(pool: PgPool) {
    let app = Arc::new(App::fake());
    let queue = TestQueue::new(&pool, jobs![Nightly], Arc::clone(&app)).await;
    for night in 1..=3 {
        queue.advance(days(1)).await;
        assert_enqueued!(queue, Nightly {}, times(1).queue("reports"));
        queue.drain().await.expect_completed(1);
        assert_eq!(app.mailer.sent().len(), night);
    }
    queue.schedules().pause("nightly").await.unwrap();
    queue.advance(days(3)).await;
    refute_enqueued!(queue, Nightly { .. });
}

#[sqlx::test]
#[ignore = "`server` runs it"]
async fn a_rate_refills_step_by_step(pool: PgPool) {
    let queue = TestQueue::new(&pool, jobs![Call], ()).await;
    for number in 0..3 {
        Call::new(number).enqueue(&queue).await.unwrap();
    }
    for left in [2, 1, 0] {
        let drained = queue.drain().await;
        drained.expect_completed(1);
        assert_eq!(drained.left.due, left, "{drained}");
        // A strict rate keeps a little more than its period between two starts.
        queue.advance(mins(61)).await;
    }

    for number in 0..3 {
        Call::new(number).enqueue(&queue).await.unwrap();
    }
    let drained = queue.drain().including_later().await;
    drained.expect_completed(3);
}

#[sqlx::test]
#[ignore = "`server` runs it"]
async fn a_full_key_waits_for_the_retry_of_its_first_job(pool: PgPool) {
    let app = Arc::new(App::fake());
    let queue = TestQueue::new(&pool, jobs![Book], Arc::clone(&app)).await;
    for (account, step) in [(7, 13), (7, 14), (8, 1)] {
        Book::new(account, step).enqueue(&queue).await.unwrap();
    }
    let drained = queue.drain().await;
    let mut sent = app.mailer.sent();
    sent.sort();
    assert_eq!(sent, ["7: step 13", "8: step 1"], "{drained}");
    // The first one of the key keeps its place, and the second waits for it.
    assert_eq!(drained.left.due, 2, "{drained}");

    queue.advance(hours(1)).await;
    let drained = queue.drain().await;
    // The second attempt was the last, and a failure halts the key.
    assert_eq!(drained.runs[0].outcome.status(), Some(JobStatus::Failed), "{drained}");
    assert_eq!(drained.left.due, 1, "{drained}");
}

#[sqlx::test]
#[ignore = "`server` runs it"]
async fn a_job_that_waits_too_long_has_expired(pool: PgPool) {
    let queue = TestQueue::new(&pool, jobs![SendWelcome], App::fake()).await;
    let job = SendWelcome::new(42, "hello").delay(hours(1)).expires(mins(10));
    job.enqueue(&queue).await.unwrap();
    queue.advance(mins(65)).await;
    queue.drain().await.expect_completed(1);

    let job = SendWelcome::new(43, "hello").delay(hours(1)).expires(mins(10));
    job.enqueue(&queue).await.unwrap();
    queue.advance(mins(75)).await;
    let drained = queue.drain().await;
    assert_eq!(drained.runs[0].outcome.status(), Some(JobStatus::Cancelled), "{drained}");
}

#[sqlx::test]
#[ignore = "`server` runs it"]
async fn the_tables_of_a_test_are_made_in_time(pool: PgPool) {
    let began = Instant::now();
    drop(SimpleQueue::new(pool.clone()));
    println!("a queue made in {:?}", began.elapsed());
    let began = Instant::now();
    drop(TestQueue::new(&pool, jobs![Call], ()).await);
    let (first, began) = (began.elapsed(), Instant::now());
    drop(TestQueue::new(&pool, jobs![Call], ()).await);
    println!("tables made in {first:?}, found in {:?}", began.elapsed());
    let days: i64 = sqlx::query_scalar(
        "select count(*) from pg_inherits where inhparent = 'simple_queue.archive'::regclass",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(days, 3, "yesterday, today and tomorrow");
}
