//! Roles that keep the tables in order: the [`reaper`] returns the jobs of dead processes, the [`janitor`] bounds the
//! history, [`stats`] counts what ran.
//!
//! No leader is elected. Every process runs all roles, at any time, and that is safe. The loop that repeats them is in
//! [`role`].

#[cfg(feature = "janitor")]
pub(crate) mod janitor;
pub(crate) mod orphans;
pub(crate) mod reaper;
pub(crate) mod role;
pub(crate) mod stats;
