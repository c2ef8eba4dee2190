//! The dashboard against a real Postgres, without a browser: who may see it, what its pages show, what its acts do.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod acts;
mod away;
mod control;
mod load;
mod pages;
mod place;
mod security;
mod sizes;
