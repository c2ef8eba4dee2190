//! Visits of keys with a rate, and of keys that share a queue fairly.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use super::{Asked, Of, RATED, Stage};
use crate::{statements::carry_out, support::eventually};

impl Stage {
    /// A visit of the limit with two tokens.
    fn rated(permits: usize) -> Asked {
        Asked { permits, of: Of::Rate, ..Asked::default() }
    }
}

#[tokio::test]
async fn a_gate_that_two_visits_make_at_once_gives_its_tokens_once() {
    let stage = Stage::with_limit(1).await;
    for _ in 0..5 {
        stage.enqueue(RATED, "0").await;
    }
    let held = stage.visit_held_up(stage.left, Stage::rated(5)).await;
    assert_eq!(stage.visit(stage.right, Stage::rated(5)).await, 2);
    held.go_on().await;
    assert_eq!(stage.visit(stage.left, Stage::rated(5)).await, 0);
    assert_eq!((stage.running_jobs().await, stage.gate().await.unwrap().0), (2, 2));
}

#[tokio::test]
async fn a_visit_takes_only_the_tokens_that_one_with_a_later_snapshot_has_left() {
    let stage = Stage::with_limit(1).await;
    stage.enqueue(RATED, "0").await;
    assert_eq!(stage.visit(stage.left, Stage::rated(1)).await, 1);
    for _ in 0..5 {
        stage.enqueue(RATED, "0").await;
    }
    let held = stage.visit_held_up(stage.left, Stage::rated(5)).await;
    assert_eq!(stage.visit(stage.right, Stage::rated(5)).await, 1);
    // A turn of its own, which the held visit has seen, is consumed meanwhile.
    assert_eq!(held.go_on().await, 0);
    assert_eq!(stage.running_jobs().await, 2);
}

#[tokio::test]
async fn tokens_that_are_put_off_while_a_visit_waits_are_not_taken_by_it() {
    let stage = Stage::with_limit(1).await;
    stage.enqueue(RATED, "0").await;
    assert_eq!(stage.visit(stage.left, Stage::rated(1)).await, 1);
    stage.enqueue(RATED, "0").await;
    let held = stage.visit_held_up(stage.right, Stage::rated(5)).await;
    let job = "select id from simple_queue.jobs where worker_id is not null";
    let id = format!("'{}'", stage.database.value::<Uuid>(job).await);
    let mut connection = PgConnection::connect(&stage.database.url).await.unwrap();
    let arguments = vec![("job_id", id.as_str()), ("after", "interval '1 h'")];
    carry_out(&mut connection, "hold_gate", &arguments).await;
    assert_eq!(held.go_on().await, 0);
    let turn = "turns where due_at > now() + interval '50 min'";
    assert_eq!((stage.turns().await, stage.database.count(turn).await), (1, 1));
}

#[tokio::test]
async fn a_key_without_tokens_has_one_turn_however_often_it_is_visited() {
    let stage = Stage::with_limit(1).await;
    for _ in 0..5 {
        stage.enqueue(RATED, "0").await;
    }
    assert_eq!(stage.visit(stage.left, Stage::rated(5)).await, 2);
    let claimed = "select array_agg(id) from simple_queue.jobs where worker_id is not null";
    let claimed: Vec<Uuid> = stage.database.value(claimed).await;
    let dated =
        "turns where due_at > now() + interval '20 min' and due_at < now() + interval '40 min'";
    assert_eq!((stage.turns().await, stage.database.count(dated).await), (1, 1));
    // Arrivals and ends bring visits, which find no token.
    for id in claimed {
        stage.enqueue(RATED, "0").await;
        let ends = Asked { completed: vec![id], ..Stage::rated(5) };
        assert_eq!(stage.visit(stage.left, ends).await, 0);
        assert_eq!((stage.turns().await, stage.database.count(dated).await), (1, 1));
    }
    assert_eq!(stage.gate().await, Some((0, false)), "what is owed is remembered");
}

#[tokio::test]
async fn an_end_that_another_visit_holds_up_is_counted_by_the_next_and_gives_no_token_back() {
    let stage = Stage::with_limit(1).await;
    for _ in 0..4 {
        stage.enqueue(RATED, "0").await;
    }
    assert_eq!(stage.visit(stage.left, Stage::rated(1)).await, 1);
    let first: Uuid =
        stage.database.value("select id from simple_queue.jobs where worker_id is not null").await;
    // The gate is held while the end is written.
    let mut holder = PgConnection::connect(&stage.database.url).await.unwrap();
    let lock = "begin; select from simple_queue.gates for update";
    sqlx::raw_sql(lock).execute(&mut holder).await.unwrap();
    let ends = Asked { completed: vec![first], ..Stage::rated(5) };
    assert_eq!(stage.visit(stage.left, ends).await, 0);
    holder.close().await.unwrap();
    assert_eq!(stage.gate().await, Some((1, false)));
    let claims = async || stage.visit(stage.right, Stage::rated(5)).await == 1;
    eventually("the second token is used", claims).await;
    assert_eq!((stage.running_jobs().await, stage.gate().await), (1, Some((1, false))));
}

#[tokio::test]
async fn what_is_owed_remains_a_number_of_tokens_when_the_rate_changes() {
    let stage = Stage::with_limit(1).await;
    for _ in 0..3 {
        stage.enqueue(RATED, "0").await;
    }
    assert_eq!(stage.visit(stage.left, Stage::rated(5)).await, 2);
    // Half an hour a token before, a minute now.
    stage
        .database
        .execute("update simple_queue.limits set rate_set = jsonb_set(rate, '{per}', '110') where rate is not null")
        .await;
    stage.database.execute("update simple_queue.turns set due_at = null").await;
    assert_eq!(stage.visit(stage.left, Stage::rated(5)).await, 0);
    let dated = "turns where due_at between now() + interval '50 s' and now() + interval '61 s'";
    assert_eq!(stage.database.count(dated).await, 1);
}

const FAIR: &str = "fair:q/k";

impl Stage {
    async fn of_shares() -> Self {
        let stage = Self::with_limit(1).await;
        let limit = format!("insert into simple_queue.limits (name) values ('{FAIR}')");
        stage.database.execute(&limit).await;
        stage
    }

    fn fair(permits: usize) -> Asked {
        Asked { permits, of: Of::Shares, ..Asked::default() }
    }
}

#[tokio::test]
async fn a_job_that_is_enqueued_while_a_visit_of_its_key_is_under_way_keeps_its_turn() {
    let stage = Stage::of_shares().await;
    stage.enqueue(FAIR, "0").await;
    let held = stage.visit_held_up(stage.left, Stage::fair(5)).await;
    stage.enqueue(FAIR, "0").await;
    assert_eq!(held.go_on().await, 1);
    assert_eq!(stage.turns().await, 1);
    assert_eq!(stage.visit(stage.right, Stage::fair(5)).await, 1);
    assert_eq!((stage.running_jobs().await, stage.turns().await), (2, 0));
}

#[tokio::test]
async fn two_visits_of_one_key_at_once_claim_different_jobs_and_lose_none() {
    let stage = Stage::of_shares().await;
    for _ in 0..4 {
        stage.enqueue(FAIR, "0").await;
    }
    let held = stage.visit_held_up(stage.left, Stage::fair(2)).await;
    assert_eq!(stage.visit(stage.right, Stage::fair(2)).await, 2);
    // Its snapshot still shows the jobs that were claimed meanwhile.
    let late = held.go_on().await;
    let rest = async || {
        stage.visit(stage.right, Stage::fair(4)).await;
        stage.running_jobs().await == 4
    };
    eventually("all are claimed", rest).await;
    assert!(late <= 2, "{late}");
    eventually("no turn is left", async || {
        stage.visit(stage.right, Stage::fair(4)).await;
        stage.turns().await == 0
    })
    .await;
}

#[tokio::test]
async fn a_job_that_a_transaction_has_locked_keeps_a_turn_of_its_key() {
    let stage = Stage::of_shares().await;
    let id = stage.enqueue(FAIR, "0").await;
    let mut user = PgConnection::connect(&stage.database.url).await.unwrap();
    let lock = format!("begin; select from simple_queue.jobs where id = '{id}' for update");
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut user).await.unwrap();
    assert_eq!(stage.visit(stage.left, Stage::fair(5)).await, 0);
    assert_eq!(stage.turns().await, 1);
    user.close().await.unwrap();
    let claims = async || stage.visit(stage.left, Stage::fair(5)).await == 1;
    eventually("it is claimed", claims).await;
}

#[tokio::test]
async fn a_process_without_a_row_ends_a_job_under_a_rate_and_loses_no_place() {
    let stage = Stage::with_limit(1).await;
    for _ in 0..3 {
        stage.enqueue(RATED, "0").await;
    }
    assert_eq!(stage.visit(stage.left, Stage::rated(1)).await, 1);
    let first: Uuid =
        stage.database.value("select id from simple_queue.jobs where worker_id is not null").await;
    let gone = format!("delete from simple_queue.workers where id = '{}'", stage.left);
    stage.database.execute(&gone).await;
    let released = format!(
        "insert into simple_queue.turns (rule, gate, released) values ('{RATED}', '{RATED}#1', 0)"
    );
    stage.database.execute(&released).await;
    let before = stage.turns().await;
    let ends = Asked { completed: vec![first], ..Stage::rated(5) };
    assert_eq!(stage.visit(stage.left, ends).await, 0);
    assert_eq!(stage.turns().await, before + 1, "its place is in a turn, and none was taken");
    assert_eq!(stage.visit(stage.right, Stage::rated(5)).await, 1);
    assert_eq!(stage.gate().await, Some((1, false)));
}
