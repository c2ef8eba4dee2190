//! Stage 4: whether a job may start now, before the user's own rules are asked.
//!
//! Permits are counted before a fetch and taken when its jobs arrive. So a process claims few jobs that it cannot
//! start: the prefetched ones, and those whose permit a finishing run took in the meantime. Each file here is a source
//! of permits. A new source is one more field of [`Permits`] and of [`RunPermit`], asked where the others are asked.

mod local;

use crate::queue::{
    config::Config,
    registry::{Registered, Share},
};
use local::{LocalPermit, LocalPermits};

/// Something that limits how many jobs may run.
///
/// Each fetch and each job asks it, so it answers from memory. A role tells it what it has to learn from elsewhere.
trait PermitSource {
    /// What a job holds of this source until its run ends.
    type Permit;

    /// Returns how many more jobs of this scope may start; [`UNLIMITED`] where the source sets no limit.
    fn free(&self, of: PermitScope<'_>, config: &Config) -> usize;

    /// Takes the right to start one job; `None` where no permit is free.
    fn take(&self, queue: &str, handler: &Registered, config: &Config) -> Option<Self::Permit>;

    /// Returns whether a permit that becomes free may be passed on to the next job. If not, it is dropped and taken
    /// anew, which checks again whether there are still too many permits.
    fn are_reusable(&self) -> bool;
}

/// The jobs for which permits are asked. The limit of a wider scope does not count as a limit of a narrower one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PermitScope<'a> {
    /// All jobs that this process runs.
    All,
    Queue(&'a str),
    /// Kinds of one queue that share a limit.
    Share(&'a Share),
}

/// Number of free permits where there is no limit.
pub(crate) const UNLIMITED: usize = usize::MAX;

/// All sources of permits of a process.
#[derive(Debug)]
pub(crate) struct Permits {
    local: LocalPermits,
}

/// The permits of one job, one from each source.
#[derive(Debug)]
pub(crate) struct RunPermit {
    _local: LocalPermit,
}

impl Permits {
    pub(crate) fn new(config: &Config) -> Self {
        Self { local: LocalPermits::new(config) }
    }

    /// Returns how many more jobs of this scope may start, by all sources together.
    pub(crate) fn free(&self, of: PermitScope<'_>, config: &Config) -> usize {
        self.local.free(of, config)
    }

    /// Returns whether some source limits this scope by itself.
    pub(crate) fn are_limited(&self, of: PermitScope<'_>, config: &Config) -> bool {
        self.free(of, config) != UNLIMITED
    }

    /// Returns whether a permit that becomes free may be passed on to the next job, or has to be taken anew.
    pub(crate) fn are_reusable(&self) -> bool {
        self.local.are_reusable()
    }

    /// Takes the permits of one job; `None` if one of them is not free.
    pub(crate) fn take(
        &self,
        queue: &str,
        handler: &Registered,
        config: &Config,
    ) -> Option<RunPermit> {
        Some(RunPermit { _local: self.local.take(queue, handler, config)? })
    }
}
