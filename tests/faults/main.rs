//! What a job survives: processes that die, a server that restarts, a network that breaks, and what else
//! goes wrong where nobody looks. Real processes against real servers.
//!
//! Handlers count what they do in a table of their own, and SQL that knows nothing of the library's views
//! checks it at the end: nothing that was acknowledged is lost, every job ends exactly once, and effects that
//! were committed with their job happened exactly once.
//!
//! A case goes by counts, not by time, and takes some seconds. The full lengths, with a soak of an hour:
//!
//! ```sh
//! SIMPLE_QUEUE_FAULTS=full cargo test --test faults -- --nocapture --test-threads 1
//! ```

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

mod failover;
mod network;
mod pooler;
mod postgres;
mod processes;
mod soak;
mod stragglers;

/// A worker of a process of its own; started by the tests, with the environment that [`support::Worker`]
/// gives it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "is the other process of the other tests"]
async fn the_worker_process() {
    support::work().await;
}
