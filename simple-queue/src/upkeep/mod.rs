//! Roles that keep the tables in order: the [`reaper`] returns the jobs of dead processes, which it knows by their
//! [`silence`], the [`janitor`] bounds the history and goes on with forgotten [`acts`], [`stats`] counts what ran.
//!
//! No leader is elected. Every process runs all roles, at any time, and that is safe. The loop that repeats them is in
//! [`role`].

pub(crate) mod acts;
#[cfg(feature = "janitor")]
pub(crate) mod janitor;
pub(crate) mod orphans;
pub(crate) mod reaper;
pub(crate) mod role;
pub(crate) mod silence;
pub(crate) mod stats;
