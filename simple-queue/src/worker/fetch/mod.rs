//! Stage 3: what is due is claimed, as much as can be started.
//!
//! [`poller`] asks for it and sleeps until there is more. [`floor`] says where each lane is read from, [`sweep`] finds
//! what was overtaken, [`prefetch`] holds what was fetched ahead, [`lost_claims`] returns what a
//! lost claim took, [`unhandled_kinds`] warns of what this process does not run.

pub(in crate::worker) mod floor;
mod lane;
mod lost_claims;
pub(in crate::worker) mod poller;
pub(in crate::worker) mod prefetch;
pub(in crate::worker) mod sweep;
pub(in crate::worker) mod sweeps;
pub(in crate::worker) mod unhandled_kinds;
