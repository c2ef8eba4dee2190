//! What keeps the tables in order: the [`reaper`] returns the jobs of processes that died, the
//! [`janitor`] bounds the history.
//!
//! Nobody is elected for it. Every process does both, at any time, and it is safe to. What is done again and again is
//! a [`role`].

#[cfg(feature = "janitor")]
pub(crate) mod janitor;
pub(crate) mod orphans;
pub(crate) mod reaper;
pub(crate) mod role;
