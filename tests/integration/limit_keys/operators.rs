//! What an operator, and a program in another language, does with keys.

use simple_queue::{Error, LimitError};

use super::{InOrder, ORDER, TWO, TwoAtOnce, Watch, start, start_many, stop};
use crate::support::{STOP, TestDatabase, eventually};

#[tokio::test]
async fn a_paused_key_and_a_paused_limit_start_nothing_until_they_are_resumed() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::open();
    let (queue, worker) = start(&database, &watch).await;
    TwoAtOnce::new(1, 0).enqueue(&queue).await.unwrap();
    eventually("the limit is known", async || database.is_settled().await).await;
    let limits = queue.limits();
    limits.pause_key(TWO, "1").await.unwrap();
    TwoAtOnce::new(1, 1).enqueue(&queue).await.unwrap();
    TwoAtOnce::new(2, 2).enqueue(&queue).await.unwrap();
    eventually("the other key runs", async || watch.begun().contains(&(2, 2))).await;
    let keys = limits.keys(TWO, None, 10).await.unwrap();
    let paused = keys.iter().find(|key| key.key == "1").unwrap();
    assert!(paused.paused_at.is_some() && (paused.waiting, paused.running) == (1, 0));
    limits.resume_key(TWO, "1").await.unwrap();
    eventually("the key runs", async || watch.begun().contains(&(1, 1))).await;
    limits.pause(TWO).await.unwrap();
    TwoAtOnce::new(1, 3).enqueue(&queue).await.unwrap();
    let waits = async || database.count("jobs").await == 1 && database.count("turns").await == 0;
    eventually("the visit passes it over", waits).await;
    assert!(!watch.begun().contains(&(1, 3)));
    limits.resume(TWO).await.unwrap();
    eventually("all are done", async || database.is_settled().await).await;
    assert_eq!(watch.begun().len(), 4);
    let unknown = limits.pause_key("key:keys/none", "1").await.unwrap_err();
    assert!(matches!(unknown, Error::Limit(LimitError::Unknown { .. })), "{unknown}");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_number_that_is_set_for_a_key_or_for_all_holds_at_once() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::closed();
    let workers = start_many(&database, &watch, 2).await;
    let queue = &workers[0].0;
    for key in [1, 2] {
        let jobs = (0..1000).map(|number| TwoAtOnce::new(key, number));
        TwoAtOnce::enqueue_all(jobs, queue).await.unwrap();
    }
    eventually("both keys are full", async || watch.running() == 4).await;
    queue.limits().set_key(TWO, "1", 5).await.unwrap();
    eventually("one runs more", async || watch.running() == 7).await;
    queue.limits().set(TWO, 3).await.unwrap();
    eventually("the other does too", async || watch.running() == 8).await;
    queue.limits().reset(TWO).await.unwrap();
    queue.limits().reset_key(TWO, "1").await.unwrap();
    // Each job that ends may hand its place over, but not for long.
    eventually("each key is within its limit", async || {
        watch.gate.add_permits(1);
        database.count("gates where running > 2").await == 0
    })
    .await;
    assert!(database.count("jobs").await > 1000, "not for want of jobs");
    assert_eq!(database.miscounted().await, 0);
    watch.gate.add_permits(2000);
    eventually("all are done", async || database.is_settled().await).await;
    assert_eq!(watch.seen(|seen| seen.most_at_once), 5);
    let error = queue.limits().set_key(ORDER, "1", 2).await.unwrap_err();
    assert!(error.to_string().contains("one after another"), "{error}");
    stop(workers).await;
}

#[tokio::test]
async fn the_functions_in_the_database_enqueue_jobs_with_keys_and_refuse_those_without() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::open();
    let (queue, worker) = start(&database, &watch).await;
    TwoAtOnce::new(1, 0).enqueue(&queue).await.unwrap();
    InOrder::new(1, 0).enqueue(&queue).await.unwrap();
    eventually("the limits are known", async || database.is_settled().await).await;
    let call = |kind: &str, more: &str| {
        let (queue, name) = kind.split_once('/').unwrap();
        let data = r#"{"key": 7, "number": 70}"#;
        format!("select outcome from simple_queue.enqueue('{queue}', '{name}', '{data}'{more})")
    };
    let outcome: String = database.value(&call("keys/two_at_once", ", limit_key => '7'")).await;
    assert_eq!(outcome, "inserted");
    eventually("it runs", async || watch.begun().contains(&(7, 70))).await;
    for (kind, more, problem) in [
        ("keys/two_at_once", "", "the kind \"two_at_once\" has a limit for each key"),
        (
            "keys/other",
            ", limit_key => '7'",
            "no worker has declared a limit for each key of the kind \"other\"",
        ),
        (
            "sequences/in_order",
            ", limit_key => '7', priority => 3",
            "the jobs of its key run in order",
        ),
        (
            "sequences/in_order",
            ", limit_key => '7', expires_at => now()",
            "the jobs of its key run in order",
        ),
    ] {
        let refused =
            sqlx::query(sqlx::AssertSqlSafe(call(kind, more))).execute(&database.pool).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(problem), "{refused}");
    }
    eventually("nothing is left", async || database.is_settled().await).await;
    worker.shutdown(STOP).await;
}
