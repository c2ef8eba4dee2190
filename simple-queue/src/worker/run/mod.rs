//! Stages 5 to 7 of one job: from its start to the outcome that goes to [`crate::finalize`].
//!
//! [`executor`] carries out a run, [`payload`] reads a payload that the claim left out, [`suspect`] isolates jobs that
//! kill processes, [`running`] holds what this process runs.

pub(super) mod executor;
pub(super) mod payload;
pub(super) mod running;
pub(super) mod suspect;
