//! The library against a real Postgres: one server for the binary, one database for each test.
//!
//! The files are named for the stages of a job's life.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

mod cancel;
mod conflict;
mod control;
mod declared;
mod enqueue;
mod fetch;
mod finalize;
mod gathering;
mod given_up;
mod handler;
mod heartbeat;
mod limits;
mod lives;
mod migrate;
mod outcome;
mod permit;
mod plain_interface;
mod result;
mod sessions;
mod shutdown;
mod statements;
mod transaction;
mod unique;
mod upkeep;
mod version;
mod wake;
