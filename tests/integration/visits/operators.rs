//! Visits beside an operator's changes of a limit.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{Asked, RULE, Stage, end, one};
use crate::statements::{carry_out, text_of};

const PAUSE: &str = "update simple_queue.limits set paused_at = now(), turns_owed = true";
const RESUME: &str = "update simple_queue.limits set paused_at = null, turns_owed = true";

async fn write_owed_turns(stage: &Stage) {
    let mut connection = stage.database.pool.acquire().await.unwrap();
    let rule = format!("'{RULE}'");
    let arguments = vec![("rule", rule.as_str()), ("channel", "'channel'")];
    carry_out(&mut connection, "write_owed_turns", &arguments).await;
}

#[tokio::test]
async fn turns_that_are_owed_again_while_they_are_written_stay_owed() {
    let stage = Stage::with_limit(1).await;
    stage.database.execute(PAUSE).await;
    let mut holder = PgConnection::connect(&stage.database.url).await.unwrap();
    sqlx::query("select pg_advisory_lock(1)").execute(&mut holder).await.unwrap();
    // The statement, held up between its snapshot and its lock.
    let sql = text_of("write_owed_turns");
    let held_up = sql.replace(
        "from simple_queue.limits l where l.name = $1 and l.turns_owed for update skip locked",
        "from (select pg_advisory_xact_lock(1)) held cross join simple_queue.limits l
         where l.name = $1 and l.turns_owed for update of l skip locked",
    );
    assert_ne!(sql, held_up);
    let pool = stage.database.pool.clone();
    let writing = tokio::spawn(async move {
        let write = sqlx::query(AssertSqlSafe(held_up)).bind(RULE).bind("channel");
        write.execute(&pool).await.unwrap();
    });
    stage.somebody_waits().await;
    // A visit passes over a job that the held statement does not see, because the limit is paused.
    stage.enqueue(RULE, "0").await;
    assert_eq!(stage.visit(stage.right, one()).await, 0);
    assert_eq!(stage.turns().await, 0);
    stage.database.execute(RESUME).await;
    holder.close().await.unwrap();
    writing.await.unwrap();
    let owed = format!("limits where turns_owed and name = '{RULE}'");
    assert_eq!(stage.database.count(&owed).await, 1);
    write_owed_turns(&stage).await;
    assert_eq!((stage.turns().await, stage.database.count(&owed).await), (1, 0));
    assert_eq!(stage.visit(stage.right, one()).await, 1);
}

#[tokio::test]
async fn a_limit_that_is_raised_while_its_keys_are_full_and_quiet_has_turns_for_all() {
    let stage = Stage::with_limit(1).await;
    stage.running(stage.left).await;
    stage.enqueue(RULE, "0").await;
    assert_eq!(stage.visit(stage.right, one()).await, 0);
    assert_eq!(stage.turns().await, 0);
    let raise = "update simple_queue.limits set concurrency_set = 2, turns_owed = true";
    stage.database.execute(raise).await;
    write_owed_turns(&stage).await;
    assert_eq!(stage.visit(stage.right, one()).await, 1);
    assert!(stage.is_counted().await);
}

#[tokio::test]
async fn no_place_is_taken_over_above_a_lowered_limit() {
    let stage = Stage::with_limit(2).await;
    let (first, second) = (stage.running(stage.left).await, stage.running(stage.left).await);
    for _ in 0..3 {
        stage.enqueue(RULE, "0").await;
    }
    stage.database.execute("update simple_queue.limits set concurrency_set = 1").await;
    let ends = |id| Asked { permits: 2, ..end(id) };
    assert_eq!(stage.visit(stage.left, ends(first)).await, 0);
    assert_eq!(stage.running_jobs().await, 1);
    assert_eq!(stage.visit(stage.left, ends(second)).await, 1);
    assert_eq!(stage.running_jobs().await, 1);
    assert!(stage.is_counted().await);
}
