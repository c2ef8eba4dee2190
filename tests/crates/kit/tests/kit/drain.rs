//! Jobs that run.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use kit::{App, BookOrder, Hopeless, Nightly, Remind, SendWelcome, Slow, sign_up};
use simple_queue::{JobStatus, prelude::*, testing::*};
use sqlx::PgPool;

#[sqlx::test]
#[ignore = "`server` runs it"]
async fn a_job_with_an_hour_between_its_attempts_has_failed_within_a_second(pool: PgPool) {
    let queue = TestQueue::new(&pool, jobs![Hopeless], ()).await;
    let mut took = Duration::MAX;
    // A machine that does something else may take longer.
    for _ in 0..10 {
        Hopeless::new("always").enqueue(&queue).await.unwrap();
        let began = Instant::now();
        let drained = queue.drain().including_later().await;
        took = std::cmp::min(took, began.elapsed());
        assert_eq!(drained.runs.len(), 5, "{drained}");
        if took < secs(1) {
            break;
        }
    }
    println!("five attempts with four hours in between: {took:?}");
    assert!(took < secs(1), "{took:?}");

    for how in ["always", "panic", "cancel", "ok"] {
        Hopeless::new(how).enqueue(&queue).await.unwrap();
    }
    let drained = queue.drain().including_later().await;
    let ends = |how: &str| -> Vec<(i32, Outcome)> {
        let of_how = drained.runs.iter().filter(|run| run.payload::<Hopeless>().how == how);
        of_how.map(|run| (run.attempt, run.outcome.clone())).collect()
    };
    for (how, error) in [("always", "there is no hope"), ("panic", "panicked: at the worst moment")]
    {
        let retried = |attempt| (attempt, Outcome::Retried { after: hours(1), not_before: None });
        let reason = "attempt 5 of 5 failed".to_owned();
        let dead = (5, Outcome::Dead { status: JobStatus::Failed, reason });
        assert_eq!(ends(how), [retried(1), retried(2), retried(3), retried(4), dead], "{drained}");
        assert_eq!(drained.errors().iter().filter(|found| **found == error).count(), 5);
    }
    assert_eq!(ends("ok"), [(1, Outcome::completed())]);
    assert_eq!(ends("cancel")[0].1.status(), Some(JobStatus::Cancelled));
    assert_eq!(drained.runs.len(), 12, "{drained}");
    assert_eq!(queue.enqueued::<Hopeless>().await.len(), 0);
}

#[sqlx::test]
#[ignore = "`server` runs it"]
async fn a_drain_runs_what_jobs_enqueue_and_leaves_what_is_due_later(pool: PgPool) {
    let app = Arc::new(App::fake());
    let queue = TestQueue::new(&pool, jobs![SendWelcome, Remind], Arc::clone(&app)).await;
    sign_up(&pool, 1).await.unwrap();
    let drained = queue.drain().await;
    drained.expect_completed(1);
    assert_eq!(drained.left.later, 1, "{drained}");
    assert_enqueued!(queue, Remind { user_id: 1 }, due_in(days(1)).queue("emails").priority(3));

    queue.advance(hours(25)).await;
    let drained = queue.drain().await;
    drained.expect_completed(1);
    assert_eq!(app.mailer.sent(), ["1: hello", "1: still there?"]);
    assert!(drained.runs[0].took < secs(5) && drained.runs[0].queue == "emails");
}

#[sqlx::test]
#[ignore = "`server` runs it"]
async fn a_drain_runs_only_what_it_is_asked_for(pool: PgPool) {
    let queue = TestQueue::new(&pool, jobs![SendWelcome, Slow], App::fake()).await;
    for user_id in 2..7 {
        sign_up(&pool, user_id).await.unwrap();
        Slow::new(1).enqueue(&queue).await.unwrap();
    }
    let drained = queue.drain().of::<SendWelcome>().at_most(3).await;
    drained.expect_completed(3);
    assert_eq!(drained.of::<SendWelcome>().len(), 3, "{drained}");
    assert_eq!((drained.left.due, drained.left.later), (2, 0), "{drained}");
    assert_eq!(queue.enqueued::<Slow>().await.len(), 5);
    queue.drain().await.expect_completed(7);

    Slow::new(7).enqueue(&queue).await.unwrap();
    assert_eq!(queue.drain().await.runs[0].output::<u64>(), 7);
}

#[sqlx::test]
#[ignore = "`server` runs it"]
async fn a_drain_that_fails_fast_panics_with_the_first_error(pool: PgPool) {
    let queue = TestQueue::new(&pool, jobs![Hopeless], ()).await;
    Hopeless::new("always").enqueue(&queue).await.unwrap();
    // `#[sqlx::test]` keeps the database of a test that panics.
    let drained = AssertUnwindSafe(async { queue.drain().failing_fast().await }).catch_unwind();
    let panicked = drained.await.map(|drained| drained.to_string()).unwrap_err();
    let message = panicked.downcast_ref::<String>().unwrap();
    assert!(message.ends_with("runs again in 3600s: there is no hope"), "{message}");
}

#[sqlx::test]
#[ignore = "`server` runs it"]
async fn what_was_enqueued_meanwhile_is_told_from_what_was_there(pool: PgPool) {
    let queue = TestQueue::new(&pool, jobs![SendWelcome, Nightly], App::fake()).await;
    sign_up(&pool, 7).await.unwrap();
    let (done, jobs) = enqueued_during(&queue, async {
        sign_up(&pool, 42).await.unwrap();
        queue.drain().await.runs.len()
    })
    .await;
    assert_eq!(done, 2);
    assert_eq!(jobs.of::<SendWelcome>(), [SendWelcome::new(42, "hello")]);
    assert_eq!(jobs.kinds(), ["send_welcome"]);
}

#[sqlx::test]
#[ignore = "`server` runs it"]
async fn a_spy_sees_the_runs_of_a_worker(pool: PgPool) {
    let queue = TestQueue::new(&pool, jobs![SendWelcome, Hopeless], App::fake()).await;
    let (spy, worker) = (queue.spy(), queue.start().await);
    sign_up(&pool, 42).await.unwrap();
    Hopeless::new("always").enqueue(&queue).await.unwrap();
    let run = spy.next::<SendWelcome>(secs(20)).await;
    assert_eq!(run.payload::<SendWelcome>().user_id, 42);
    assert_eq!(run.outcome, Outcome::Completed);
    let run = spy.next::<Hopeless>(secs(20)).await;
    assert_eq!(run.error.as_deref(), Some("there is no hope"));
    assert_eq!(spy.runs().len(), 2);

    assert_enqueued!(queue, Hopeless { .. }, within(secs(5)).due_in(hours(1)));
    worker.stop().await;
}

#[sqlx::test]
#[ignore = "`server` runs it"]
async fn a_paused_queue_is_left(pool: PgPool) {
    let queue = TestQueue::new(&pool, jobs![SendWelcome], App::fake()).await;
    queue.pause("emails").await.unwrap();
    sign_up(&pool, 42).await.unwrap();
    let drained = queue.drain().await;
    assert_eq!((drained.runs.len(), drained.left.due), (0, 1), "{drained}");
    queue.resume("emails").await.unwrap();
    queue.drain().await.expect_completed(1);
}

#[sqlx::test]
#[ignore = "`server` runs it"]
async fn a_drain_in_a_transaction_leaves_nothing_outside_of_it(pool: PgPool) {
    let app = Arc::new(App::fake());
    let queue = TestQueue::new(&pool, jobs![SendWelcome, Remind], Arc::clone(&app)).await;
    queue.register(jobs![BookOrder, Hopeless], ()).unwrap();
    sqlx::query("create table revenue (total bigint)").execute(&pool).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("insert into revenue values (0)").execute(&mut *tx).await.unwrap();
    SendWelcome::new(1, "hello").enqueue(&mut tx).await.unwrap();
    BookOrder::new(5).enqueue(&mut tx).await.unwrap();
    BookOrder::new(13).enqueue(&mut tx).await.unwrap();
    Hopeless::new("always").enqueue(&mut tx).await.unwrap();

    let drained = queue.drain_in(&mut tx).await;
    assert_eq!(drained.runs.len(), 4, "{drained}");
    let mut errors = drained.errors();
    errors.sort_unstable();
    assert_eq!(errors, ["an unlucky number", "there is no hope"], "{drained}");
    let total: i64 =
        sqlx::query_scalar("select total from revenue").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(total, 5);
    assert_enqueued!(&mut tx, Remind { user_id: 1 }, due_in(days(1)));
    assert_enqueued!(&mut tx, Hopeless { .. }, due_in(hours(1)));
    refute_enqueued!(&mut tx, SendWelcome { .. });
    tx.rollback().await.unwrap();
    assert_eq!(queue.enqueued::<Remind>().await.len(), 0);
    assert_eq!(app.mailer.sent(), ["1: hello"]);
}
