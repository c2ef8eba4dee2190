//! Stages 5 to 7 of one job: from its start to the end that is handed to [`crate::finalize`].
//!
//! [`executor`] carries out a run, [`payload`] reads what its claim left out, [`suspect`] isolates what kills
//! processes, [`running`] is what this process holds.

pub(super) mod executor;
pub(super) mod payload;
pub(super) mod running;
pub(super) mod suspect;
