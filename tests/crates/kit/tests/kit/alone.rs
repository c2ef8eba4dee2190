//! Functions that run without a database.

use kit::{App, Hopeless, Remind, SendWelcome, Slow, book_order, send_welcome};
use simple_queue::{JobStatus, testing::*};
use sqlx::PgPool;

#[tokio::test]
async fn a_function_runs_and_what_it_enqueues_is_noted() {
    let app = App::fake();
    let run = SendWelcome::new(1, "hello").run(&app).attempt(3).await;
    assert_eq!(run.outcome, Outcome::completed());
    assert_eq!(run.attempt, 3);
    assert_eq!(run.enqueued::<Remind>().len(), 1);
    assert_eq!(run.enqueued_kinds(), ["remind"]);
    assert_eq!(app.mailer.sent(), ["1: hello"]);
    assert!(SendWelcome::new(2, "hello").run(&app).await.enqueued_kinds().is_empty());
}

#[tokio::test]
async fn an_outcome_is_weighed_as_in_a_worker() {
    let run = Hopeless::new("always").run(&()).await;
    assert_eq!(run.outcome, Outcome::Retried { after: hours(1), not_before: None });
    assert_eq!(run.error.as_deref(), Some("there is no hope"));
    let run = Hopeless::new("always").run(&()).attempt(5).await;
    assert_eq!(run.outcome.status(), Some(JobStatus::Failed));
    let run = Hopeless::new("panic").run(&()).await;
    assert_eq!(run.error.as_deref(), Some("panicked: at the worst moment"));
    let run = Hopeless::new("snooze").run(&()).await;
    assert_eq!(run.outcome, Outcome::Snoozed { after: mins(5), not_before: None });
}

#[tokio::test]
async fn a_timeout_and_a_cancellation_end_a_function() {
    let run = Slow::new(60_000).run(&()).timeout(millis(20)).await;
    assert_eq!(run.error.as_deref(), Some("took longer than its timeout of 20ms"));
    let run = Slow::new(60_000).run(&()).cancelled().await;
    assert_eq!(run.outcome.status(), Some(JobStatus::Cancelled));
    let run = Slow::new(1).run(&()).await;
    assert_eq!(run.output::<u64>(), 1);

    let app = App::fake();
    let run = SendWelcome::new(1, "hello").run(&app).cancelled().await;
    assert!(run.is_completed() && app.mailer.sent().is_empty());
}

#[tokio::test]
async fn a_function_is_called_with_a_context_of_the_tests() {
    let app = App::fake();
    let context = job_context().attempt(2).metadata([("by", "ada")]).make();
    assert_eq!(context.attempt(), 2);
    assert!(context.metadata::<Vec<(String, String)>>().await.unwrap().is_some());
    send_welcome(&context, &app.mailer, 42, "hi".to_owned()).await.unwrap();
    assert_eq!(app.mailer.sent(), ["42: hi"]);
    let cancelled = job_context().cancelled().make();
    assert!(cancelled.is_cancelled());
    cancelled.cancelled().await;
}

#[test]
fn arguments_come_back_as_they_were_stored() {
    round_trips(&SendWelcome::new(42, "\u{0}\u{1F980}\"'"));
    round_trips(&Hopeless::new(""));
}

#[simple_queue::test]
async fn a_function_with_a_transaction_runs_in_one(pool: PgPool) {
    sqlx::query("create table revenue (total bigint)").execute(&pool).await.unwrap();
    sqlx::query("insert into revenue values (0)").execute(&pool).await.unwrap();
    let total = async || -> i64 {
        sqlx::query_scalar("select total from revenue").fetch_one(&pool).await.unwrap()
    };

    let mut tx = job_tx(&pool).await;
    book_order(&mut tx, 5).await.unwrap();
    let seen: i64 =
        sqlx::query_scalar("select total from revenue").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(seen, 5);
    drop(tx);
    assert_eq!(total().await, 0);

    assert!(kit::BookOrder::new(5).run(&()).on(&pool).await.is_completed());
    assert_eq!(total().await, 5);
    let run = kit::BookOrder::new(13).run(&()).on(&pool).await;
    assert_eq!(run.error.as_deref(), Some("an unlucky number"));
    assert_eq!(total().await, 5);
}

#[tokio::test]
#[should_panic(
    expected = "`book_order` takes a `JobTx`, which needs a database: `.run(&state).on(&pool)`"
)]
async fn a_function_with_a_transaction_needs_a_database() {
    kit::BookOrder::new(5).run(&()).await;
}
