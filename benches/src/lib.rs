//! Measures job queues on Postgres side by side: simple-queue, bare Postgres, and the peers of `benches/peers`.
//!
//! `cargo run --release -p simple-queue-benches -- --help` says how to run it, `docs/performance.md` how to read
//! what it prints.
//!
//! The bench starts a server and, for each trial, a fresh database and processes ([`agent`]) that hold one
//! [contestant](contestant::Contestant). It tells them what to do, and counts from outside what that cost. So
//! every contestant, ours among them, is measured by the same lines.
#![expect(
    clippy::cast_precision_loss,
    reason = "what is counted here is far below the 2^53 up to which an f64 is exact"
)]

pub mod agent;
mod arguments;
mod bench;
mod case;
mod clock;
pub mod contestant;
mod contestants;
mod measure;
mod metrics;
mod program;
mod report;
mod workloads;

pub use program::main;
