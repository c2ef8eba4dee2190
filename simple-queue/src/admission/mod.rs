//! Stage 4: whether a job may start now, as far as can be said before the user's own rules are asked.
//!
//! Permits are counted before a fetch and taken when its jobs arrive, so a process claims little that it cannot start:
//! what it fetched ahead of need, and what a run that ended meanwhile took a permit for. Each file here is a source of
//! permits. One more is a field of [`Permits`] and of [`RunPermit`], asked for its part where they ask the others.

mod local;

use crate::queue::{
    config::Config,
    registry::{Registered, Share},
};
use local::{LocalPermit, LocalPermits};

/// Something that limits how many jobs may run.
///
/// It is asked in each fetch and for each job, so it answers from memory. What it has to learn from elsewhere a role
/// tells it.
trait PermitSource {
    /// What a job holds of it until its run is over.
    type Permit;

    /// How many more of these jobs may start; [`UNLIMITED`] where the source sets no limit.
    fn free(&self, of: PermitScope<'_>, config: &Config) -> usize;

    /// The right to start one; `None` where it is not free.
    fn take(&self, queue: &str, handler: &Registered, config: &Config) -> Option<Self::Permit>;

    /// Whether a permit that becomes free may be given to the next job as it is. Otherwise it is dropped and taken
    /// anew, which says again whether there still are too many.
    fn are_reusable(&self) -> bool;
}

/// Which jobs permits are asked for: a limit of the wider does not count as one of the narrower.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PermitScope<'a> {
    /// All that this process runs.
    All,
    Queue(&'a str),
    /// Of a queue some kinds that share a limit.
    Share(&'a Share),
}

/// No limit.
pub(crate) const UNLIMITED: usize = usize::MAX;

/// All sources of permits of a process.
#[derive(Debug)]
pub(crate) struct Permits {
    local: LocalPermits,
}

/// The permits of one job, from each source its own.
#[derive(Debug)]
pub(crate) struct RunPermit {
    _local: LocalPermit,
}

impl Permits {
    pub(crate) fn new(config: &Config) -> Self {
        Self { local: LocalPermits::new(config) }
    }

    /// How many more of these jobs every source lets start.
    pub(crate) fn free(&self, of: PermitScope<'_>, config: &Config) -> usize {
        self.local.free(of, config)
    }

    /// Whether some source sets these jobs a limit of their own.
    pub(crate) fn are_limited(&self, of: PermitScope<'_>, config: &Config) -> bool {
        self.free(of, config) != UNLIMITED
    }

    /// Whether a permit that becomes free may be given to the next job as it is, or is to be taken anew.
    pub(crate) fn are_reusable(&self) -> bool {
        self.local.are_reusable()
    }

    /// Takes the permits for one job; `None` if one of them is not free.
    pub(crate) fn take(
        &self,
        queue: &str,
        handler: &Registered,
        config: &Config,
    ) -> Option<RunPermit> {
        Some(RunPermit { _local: self.local.take(queue, handler, config)? })
    }
}
