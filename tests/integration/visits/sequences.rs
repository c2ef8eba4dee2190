//! Visits of sequences.

use sqlx::Connection;
use uuid::Uuid;

use super::{Asked, ORDER, Of, Stage, hand_over, next};
use crate::{statements::carry_out, support::eventually};

#[tokio::test]
async fn no_job_of_a_sequence_overtakes_one_that_a_transaction_has_locked() {
    let stage = Stage::with_limit(1).await;
    let first = stage.enqueue(ORDER, "-2 s").await;
    stage.enqueue(ORDER, "-1 s").await;
    let user = stage.user_who_locks(first).await;
    assert_eq!(stage.visit(stage.left, next()).await, 0);
    assert!(stage.turns().await > 0, "the turn is due again in a moment");
    user.close().await.unwrap();
    eventually("the first is claimed", async || stage.visit(stage.left, next()).await == 1).await;
    let claimed = "select id from simple_queue.jobs where worker_id is not null";
    assert_eq!(stage.database.value::<Uuid>(claimed).await, first);
}

#[tokio::test]
async fn a_job_that_is_replaced_or_put_off_while_a_visit_waits_is_not_claimed() {
    for change in ["gate = null", "run_at = now() + interval '1 h'"] {
        let stage = Stage::with_limit(1).await;
        stage.enqueue(ORDER, "-1 s").await;
        let held = stage.visit_held_up(stage.left, next()).await;
        stage.database.execute(&format!("update simple_queue.jobs set {change}")).await;
        assert_eq!(held.go_on().await, 0, "{change}");
        assert_eq!(stage.gate().await, None, "{change}");
    }
}

#[tokio::test]
async fn a_job_that_is_cancelled_while_it_fails_frees_its_place() {
    let stage = Stage::with_limit(1).await;
    let failing = stage.running_of(ORDER, stage.left).await;
    let queue = stage.database.queue().await;
    // The statement that writes the retry, about to commit.
    let mut retry = stage.database.pool.begin().await.unwrap();
    let (worker, ids) = (format!("'{}'", stage.left), format!("array['{failing}'::uuid]"));
    let arguments = vec![
        ("worker_id", worker.as_str()),
        ("job_ids", &ids),
        ("leases", "array[1::bigint]"),
        ("delays", "array[interval '1 h']"),
        ("not_befores", "array[null::timestamptz]"),
        ("attempts_kept", "array[0]"),
        ("reprocessed", "array[0]"),
        ("errors", "array[null::text]"),
        ("waits_anew", "array[true]"),
        ("survived", "array[0]"),
        ("channel", "'channel'"),
    ];
    carry_out(&mut retry, "retry_jobs", &arguments).await;
    let cancel = tokio::spawn(async move { queue.cancel(failing).await.unwrap() });
    stage.somebody_waits().await;
    retry.commit().await.unwrap();
    assert!(cancel.await.unwrap());
    assert_eq!(stage.database.count("jobs").await, 0);
    let due = "turns where due_at is null and released = 1";
    assert_eq!((stage.turns().await, stage.database.count(due).await), (1, 1));
    stage.enqueue(ORDER, "0").await;
    assert_eq!(stage.visit(stage.right, next()).await, 1);
}

#[tokio::test]
async fn no_job_of_a_sequence_overtakes_a_locked_one_in_a_hand_over() {
    let stage = Stage::with_limit(1).await;
    let ended = stage.running_of(ORDER, stage.left).await;
    let first = stage.enqueue(ORDER, "-2 s").await;
    stage.enqueue(ORDER, "-1 s").await;
    let user = stage.user_who_locks(first).await;
    let asked = Asked { of: Of::Order, ..hand_over(ended) };
    assert_eq!(stage.visit(stage.left, asked).await, 0);
    assert!(stage.is_counted().await);
    user.close().await.unwrap();
    eventually("the first is claimed", async || stage.visit(stage.left, next()).await == 1).await;
    let claimed = "select id from simple_queue.jobs where worker_id is not null";
    assert_eq!(stage.database.value::<Uuid>(claimed).await, first);
}
