//! Visits of keys with a limit.

use uuid::Uuid;

use super::{Asked, RULE, Stage, end, hand_over, one};
use crate::statements::carry_out;

#[tokio::test]
async fn a_job_that_a_full_gate_passes_over_while_its_last_run_ends_keeps_a_turn() {
    let stage = Stage::with_limit(1).await;
    let ended = stage.running(stage.left).await;
    let held = stage.visit_held_up(stage.left, end(ended)).await;
    // The held visit does not see this job. The other one consumes its turn, because the gate is full.
    stage.enqueue(RULE, "0").await;
    assert_eq!(stage.visit(stage.right, one()).await, 0);
    assert_eq!((stage.gate().await, stage.turns().await), (Some((1, true)), 0));
    held.go_on().await;
    assert_eq!((stage.gate().await, stage.turns().await), (None, 1));
    assert_eq!(stage.visit(stage.right, one()).await, 1);
}

#[tokio::test]
async fn two_runs_of_a_gate_that_end_at_once_are_both_counted() {
    let stage = Stage::with_limit(2).await;
    let (first, second) = (stage.running(stage.left).await, stage.running(stage.right).await);
    let held = stage.visit_held_up(stage.left, end(first)).await;
    stage.visit(stage.right, end(second)).await;
    assert_eq!(stage.gate().await, Some((1, false)));
    held.go_on().await;
    assert_eq!((stage.gate().await, stage.turns().await), (None, 0));
}

#[tokio::test]
async fn a_process_without_a_row_takes_over_no_place_and_gives_its_own_back() {
    let stage = Stage::with_limit(1).await;
    let ended = stage.running(stage.left).await;
    stage.enqueue(RULE, "0").await;
    stage
        .database
        .execute(&format!("delete from simple_queue.workers where id = '{}'", stage.left))
        .await;
    let ends = Asked { completed: vec![ended], permits: 1, ..Asked::default() };
    assert_eq!(stage.visit(stage.left, ends).await, 0);
    assert_eq!(stage.visit(stage.right, one()).await, 1);
    assert_eq!(stage.gate().await, Some((1, false)));
}

#[tokio::test]
async fn a_gate_that_two_visits_make_at_once_is_counted_once() {
    let stage = Stage::with_limit(2).await;
    for _ in 0..3 {
        stage.enqueue(RULE, "0").await;
    }
    let asked = one();
    let held = stage.visit_held_up(stage.left, asked.clone()).await;
    assert_eq!(stage.visit(stage.right, asked.clone()).await, 1);
    held.go_on().await;
    let running = stage.running_jobs().await;
    let counted = stage.gate().await.unwrap().0;
    assert_eq!(i64::from(counted), running);
    stage.visit(stage.left, asked).await;
    assert_eq!(stage.gate().await.unwrap().0, 2);
    assert_eq!(stage.running_jobs().await, 2);
}

#[tokio::test]
async fn a_job_that_becomes_due_while_its_turn_is_consumed_keeps_one() {
    let stage = Stage::with_limit(1).await;
    stage.enqueue(RULE, "20 s").await;
    assert_eq!(stage.visit(stage.left, one()).await, 0);
    let dated = "turns t where t.due_at = (select run_at from simple_queue.jobs)";
    assert_eq!((stage.turns().await, stage.database.count(dated).await), (1, 1));
}

#[tokio::test]
async fn the_turn_of_a_key_without_jobs_is_taken_away() {
    let stage = Stage::with_limit(1).await;
    stage.enqueue(RULE, "0").await;
    stage.database.execute("delete from simple_queue.jobs").await;
    assert_eq!(stage.visit(stage.left, one()).await, 0);
    assert_eq!((stage.gate().await, stage.turns().await), (None, 0));
}

#[tokio::test]
async fn the_turn_of_a_job_that_arrives_during_a_visit_outlives_it() {
    let stage = Stage::with_limit(2).await;
    stage.enqueue(RULE, "0").await;
    let held = stage.visit_held_up(stage.left, one()).await;
    stage.enqueue(RULE, "0").await;
    assert_eq!(held.go_on().await, 1);
    assert!(stage.turns().await > 0);
    assert_eq!(stage.visit(stage.right, one()).await, 1);
}

#[tokio::test]
async fn a_job_that_arrives_while_its_gate_is_deleted_makes_a_new_one() {
    let stage = Stage::with_limit(1).await;
    let ended = stage.running(stage.left).await;
    let held = stage.visit_held_up(stage.left, end(ended)).await;
    stage.enqueue(RULE, "0").await;
    held.go_on().await;
    assert_eq!((stage.gate().await, stage.turns().await), (None, 1));
    assert_eq!(stage.visit(stage.right, one()).await, 1);
    assert_eq!(stage.gate().await, Some((1, false)));
}

/// Turns that are due, but not before a moment has passed.
const A_MOMENT_LATER: &str =
    "turns where due_at between now() - interval '1 s' and now() + interval '1 s'";

#[tokio::test]
async fn a_visit_that_passes_over_a_locked_job_comes_back_a_moment_later() {
    let stage = Stage::with_limit(2).await;
    stage.running(stage.left).await;
    let locked = stage.enqueue(RULE, "0").await;
    let user = stage.user_who_locks(locked).await;
    assert_eq!(stage.visit(stage.right, one()).await, 0);
    assert_eq!((stage.turns().await, stage.database.count(A_MOMENT_LATER).await), (1, 1));
    drop(user);
}

#[tokio::test]
async fn a_key_without_a_gate_whose_job_is_locked_is_visited_a_moment_later() {
    let stage = Stage::with_limit(2).await;
    let locked = stage.enqueue(RULE, "0").await;
    let user = stage.user_who_locks(locked).await;
    assert_eq!(stage.visit(stage.right, one()).await, 0);
    assert_eq!((stage.turns().await, stage.database.count(A_MOMENT_LATER).await), (1, 1));
    // Without a permit the turn stays as it is.
    let enqueued = stage.enqueue(RULE, "0").await;
    assert_eq!(stage.visit(stage.right, Asked::default()).await, 0);
    assert_eq!(stage.database.count("turns where due_at is null").await, 1);
    assert_eq!(stage.visit(stage.right, one()).await, 1);
    let claimed = "select id from simple_queue.jobs where worker_id is not null";
    assert_eq!(stage.database.value::<Uuid>(claimed).await, enqueued);
    drop(user);
}

#[tokio::test]
async fn the_turn_that_is_left_is_that_of_the_first_job_of_any_priority() {
    let stage = Stage::with_limit(1).await;
    stage.enqueue(RULE, "50 s").await;
    let first = stage.enqueue(RULE, "20 s").await;
    stage.database.change(first).set("priority", "7").write().await;
    assert_eq!(stage.visit(stage.left, one()).await, 0);
    let dated = format!(
        "turns t where t.due_at = (select run_at from simple_queue.jobs where id = '{first}')"
    );
    assert_eq!((stage.turns().await, stage.database.count(&dated).await), (1, 1));
}

#[tokio::test]
async fn an_end_that_is_rolled_back_releases_no_place() {
    let stage = Stage::with_limit(1).await;
    let ended = stage.running(stage.left).await;
    let mut transaction = stage.database.pool.begin().await.unwrap();
    let (worker, ids) = (format!("'{}'", stage.left), format!("array['{ended}'::uuid]"));
    let arguments = vec![
        ("worker_id", worker.as_str()),
        ("job_ids", &ids),
        ("leases", "array[1::bigint]"),
        ("results", "array[null::text]"),
        ("keep", "false"),
        ("include_touched", "true"),
        ("channel", "'channel'"),
    ];
    carry_out(&mut transaction, "archive_jobs_of_keys", &arguments).await;
    transaction.rollback().await.unwrap();
    assert_eq!((stage.turns().await, stage.running_jobs().await), (0, 1));
    assert!(stage.is_counted().await);
    stage.visit(stage.left, end(ended)).await;
    assert_eq!((stage.gate().await, stage.turns().await), (None, 0));
}

#[tokio::test]
async fn a_job_that_is_returned_while_its_process_ends_it_releases_its_place_once() {
    let stage = Stage::with_limit(2).await;
    let (ended, _) = (stage.running(stage.left).await, stage.running(stage.right).await);
    let held = stage.visit_held_up(stage.left, end(ended)).await;
    let mut reaper = stage.database.pool.acquire().await.unwrap();
    let workers = format!("array['{}'::uuid]", stage.left);
    let arguments = vec![
        ("ghosts", "false"),
        ("workers", workers.as_str()),
        ("suspects", "array[null::uuid]"),
        ("crashed", "true"),
        ("held", "'{}'::uuid[]"),
        ("max_crash_count", "5"),
        ("channel", "'channel'"),
    ];
    carry_out(&mut reaper, "return_jobs", &arguments).await;
    held.go_on().await;
    assert_eq!(stage.running_jobs().await, 1);
    assert!(stage.is_counted().await, "{:?}", stage.gate().await);
}

#[tokio::test]
async fn a_turn_that_an_open_transaction_has_locked_hides_no_other() {
    let stage = Stage::with_limit(1).await;
    stage.enqueue(RULE, "0").await;
    stage.database.execute("update simple_queue.turns set due_at = now() - interval '1 s'").await;
    let other = format!(
        "insert into simple_queue.turns (rule, gate, due_at)
         values ('{RULE}', '{RULE}#2', now() - interval '1 minute')"
    );
    stage.database.execute(&other).await;
    let mut user = stage.database.pool.begin().await.unwrap();
    sqlx::query("select from simple_queue.turns where gate like '%#2' for update")
        .execute(&mut *user)
        .await
        .unwrap();
    assert_eq!(stage.visit(stage.left, one()).await, 1);
    user.rollback().await.unwrap();
}

#[tokio::test]
async fn a_hand_over_claims_the_next_job_of_a_key_whose_gate_another_session_holds() {
    let stage = Stage::with_limit(1).await;
    let ended = stage.running(stage.left).await;
    stage.enqueue(RULE, "0").await;
    let _visit = stage.user_who_locks_the_gate().await;
    assert_eq!(stage.visit(stage.left, hand_over(ended)).await, 1);
    assert_eq!((stage.running_jobs().await, stage.gate().await), (1, Some((1, false))));
    assert!(stage.is_counted().await);
}

#[tokio::test]
async fn a_place_that_no_job_takes_over_is_released_by_a_turn() {
    let stage = Stage::with_limit(2).await;
    let (first, second) = (stage.running(stage.left).await, stage.running(stage.left).await);
    let both = Asked { completed: vec![first, second], permits: 2, ..hand_over(first) };
    stage.enqueue(RULE, "0").await;
    stage.database.execute("delete from simple_queue.turns").await;
    assert_eq!(stage.visit(stage.left, both).await, 1);
    assert_eq!((stage.gate().await, stage.turns().await), (Some((2, false)), 1));
    assert!(stage.is_counted().await);
    stage.visit(stage.right, one()).await;
    assert_eq!((stage.gate().await, stage.turns().await), (Some((1, false)), 0));
}

#[tokio::test]
async fn a_run_whose_row_is_locked_is_left_out_of_a_hand_over() {
    let stage = Stage::with_limit(1).await;
    let ended = stage.running(stage.left).await;
    stage.enqueue(RULE, "0").await;
    let _user = stage.user_who_locks(ended).await;
    assert_eq!(stage.visit(stage.left, hand_over(ended)).await, 0);
    assert_eq!((stage.running_jobs().await, stage.gate().await), (1, Some((1, false))));
    assert!(stage.is_counted().await);
}

#[tokio::test]
async fn a_process_without_a_row_hands_nothing_over() {
    let stage = Stage::with_limit(1).await;
    let ended = stage.running(stage.left).await;
    stage.enqueue(RULE, "0").await;
    let delete = format!("delete from simple_queue.workers where id = '{}'", stage.left);
    stage.database.execute(&delete).await;
    assert_eq!(stage.visit(stage.left, hand_over(ended)).await, 0);
    assert!(stage.is_counted().await);
    assert_eq!(stage.visit(stage.right, one()).await, 1);
    assert_eq!(stage.gate().await, Some((1, false)));
}
