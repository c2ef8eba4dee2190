//! Roles that keep the tables in order: the [`reaper`] returns the jobs of dead processes, the [`janitor`] bounds the
//! history.
//!
//! No leader is elected. Every process runs both roles, at any time, and that is safe. The loop that repeats them is in
//! [`role`].

#[cfg(feature = "janitor")]
pub(crate) mod janitor;
pub(crate) mod orphans;
pub(crate) mod reaper;
pub(crate) mod role;
