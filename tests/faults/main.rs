//! The faults that a job survives: processes that die, a server that restarts, a network that breaks, and others.
//! Real processes against real servers.
//!
//! Handlers record what they do in tables of the suite, and SQL that does not use the views of the library
//! checks it at the end: nothing that was acknowledged is lost, every job ends exactly once, and effects that
//! were committed with their job happened exactly once.
//!
//! Meanwhile the server's sessions are watched: no call that was dropped or came too late leaves one behind.
//!
//! Each case is a process of its own, and its output and that of its workers are shown when it fails. A case that needs
//! a program that is missing is ignored, and fails with `SIMPLE_QUEUE_TESTS=complete`.
//!
//! A case goes by counts, not by time, and takes some seconds. The full lengths, with a soak of an hour:
//!
//! ```sh
//! SIMPLE_QUEUE_FAULTS=full cargo test --test faults -- --nocapture --test-threads 1
//! ```

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

mod failover;
mod keys;
mod limits;
mod network;
mod pooler;
mod postgres;
mod processes;
mod rates;
mod schedules;
mod soak;
mod spool;
mod stragglers;
mod watch;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cases = [
        failover::cases(),
        keys::cases(),
        limits::cases(),
        network::cases(),
        pooler::cases(),
        postgres::cases(),
        processes::cases(),
        rates::cases(),
        schedules::cases(),
        soak::cases(),
        spool::cases(),
        stragglers::cases(),
        watch::cases(),
    ];
    let cases = cases.into_iter().flatten();
    let watched = cases.map(|case| case.followed_by(support::nothing_is_left_behind));
    test_support::main(
        watched.collect(),
        vec![support::worker_process(), spool::spooling_process()],
    )
}
