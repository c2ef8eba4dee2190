//! Stage 3: claims due jobs, as many as can start.
//!
//! [`poller`] fetches and then sleeps until more jobs are due. [`floor`] says where each lane is read from, [`sweep`]
//! finds jobs below the floors, [`prefetch`] holds jobs fetched ahead of need, [`lost_claims`] returns the jobs of
//! claims whose response was lost, [`unhandled_kinds`] warns of jobs that this process does not run.

pub(in crate::worker) mod floor;
mod lane;
mod lost_claims;
pub(in crate::worker) mod poller;
pub(in crate::worker) mod prefetch;
pub(in crate::worker) mod sweep;
pub(in crate::worker) mod sweeps;
pub(in crate::worker) mod unhandled_kinds;
