//! The program against a real Postgres, as people and scripts use it.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod support;
mod troubles;

mod commands;
mod contexts;
mod doctor;
mod serve;
mod why;
