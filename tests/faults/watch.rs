//! The watch itself sees wrong sessions.

use std::time::Duration;

use sqlx::{Connection as _, Executor as _, PgConnection};
use test_support::{Case, case};

use crate::support::{Field, Limits, Watch, bystander, eventually};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!(a_statement_that_goes_on_and_a_session_that_is_left_behind_are_seen),
        case!(more_sessions_than_a_queue_may_have_are_seen),
    ]
}

/// Low limits, so that wrong sessions are seen soon.
const LIMITS: Limits = Limits { sessions: 3, patience: Duration::from_millis(500) };

async fn a_statement_that_goes_on_and_a_session_that_is_left_behind_are_seen() {
    let field = Field::shared().await;
    let mut holder = bystander(&field.url).await.unwrap();
    holder.execute("begin; lock table simple_queue.jobs").await.unwrap();
    let watch = Watch::begin(&field.url, LIMITS);
    let mut waiting = PgConnection::connect(&field.url).await.unwrap();
    let waiting = tokio::spawn(async move {
        waiting.execute("select count(*) from simple_queue.jobs").await.unwrap();
        waiting
    });
    eventually("it is seen", async || !watch.wrongs().is_empty()).await;
    let wrongs = watch.conclude().await.join("\n");
    for part in ["outlives its timeout; it waits for relation: select", "sessions are left behind"]
    {
        assert!(wrongs.contains(part), "`{part}` is missing in: {wrongs}");
    }
    holder.execute("commit").await.unwrap();
    waiting.await.unwrap().close().await.unwrap();
}

async fn more_sessions_than_a_queue_may_have_are_seen() {
    let field = Field::shared().await;
    let watch = Watch::begin(&field.url, LIMITS);
    let open = async || PgConnection::connect(&field.url).await.unwrap();
    let sessions = [open().await, open().await, open().await, open().await];
    eventually("it is seen", async || !watch.wrongs().is_empty()).await;
    assert!(
        watch.wrongs()[0].starts_with("`` has 4 sessions; it may have 3"),
        "{:?}",
        watch.wrongs()
    );
    drop(sessions);
    // The pool of the field is open as long as the field is there.
    drop(field);
    assert_eq!(watch.conclude().await.len(), 1);
}
