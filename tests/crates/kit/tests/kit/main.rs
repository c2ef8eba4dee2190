//! The tests of a program with jobs.
//!
//! Those of `#[sqlx::test]` need `DATABASE_URL` when they run, so they are ignored: `server` starts a
//! server, and this program again with its URL, which runs them.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod alone;
mod by_itself;
mod drain;
mod eight_lines;
mod messages;
mod properties;
mod server;
mod thirty;
mod time;
