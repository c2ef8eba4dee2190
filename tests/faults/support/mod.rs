//! What the tests share.

mod field;
mod jobs;
mod ledger;
mod length;
mod load;
mod pooler;
mod programs;
mod proxy;
mod server;
mod worker;

pub(crate) use field::Field;
pub(crate) use jobs::{Aborts, CountEffect, CountRun, Hands, Stumbles};
pub(crate) use ledger::Ledger;
pub(crate) use length::{full, rounds};
pub(crate) use load::Load;
pub(crate) use pooler::Pooler;
pub(crate) use programs::faketime;
pub(crate) use proxy::{Fault, Proxy};
pub(crate) use server::{Server, new_directory};
pub(crate) use worker::{
    HEARTBEAT_MS, LEDGER_URL, STATEMENT_MS, Worker, queue_at, queue_at_any, work,
};

use std::time::{Duration, Instant};

/// Asks again and again until the answer is yes, and fails after a minute, which a test that passes
/// never waits.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    const DEADLINE: Duration = Duration::from_mins(1);
    const PAUSE: Duration = Duration::from_millis(10);
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < DEADLINE, "still not so after {DEADLINE:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
