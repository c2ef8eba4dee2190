//! The library against a real Postgres: one server for the binary, one database for each test.
//!
//! The files are named for the stages of a job's life.

mod support;

mod enqueue;
