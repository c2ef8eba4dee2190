//! The library against a real Postgres: one server for the binary, one database for each test.
//!
//! The files are named for the stages of a job's life.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;

mod admin;
mod builder;
mod cancel;
mod conflict;
mod control;
mod declared;
mod enqueue;
mod expiry;
mod extras;
mod fetch;
mod finalize;
mod gathering;
mod given_up;
mod handler;
mod health;
mod heartbeat;
mod hostile;
mod isolation;
mod job_transaction;
mod kept_keys;
mod kinds;
mod lending;
mod limit_keys;
mod limits;
mod lives;
mod migrate;
mod mixed_kinds;
mod outcome;
mod pauses;
mod payload;
mod permit;
mod plain_interface;
mod queue_names;
mod rates;
mod redact;
mod refusals;
mod result;
mod roles;
mod schedules;
mod sessions;
mod shared_limits;
mod shutdown;
mod spool;
mod sql_functions;
mod statements;
mod stats;
mod suspects;
mod sweep;
mod taken_over;
mod tokens;
mod transaction;
mod unhandled;
mod unique;
mod unwritten;
mod upkeep;
mod version;
mod visits;
mod wake;
mod windows;
