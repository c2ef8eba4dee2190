//! Stage 4: whether a job may start now, before the user's own rules are asked.
//!
//! Permits are counted before a fetch and taken when its jobs arrive. So a process claims few jobs that it cannot
//! start: the prefetched ones, and those whose permit a finishing run took in the meantime. Each file here is a source
//! of permits. A new source is one more field of [`Permits`] and of [`RunPermit`], asked where the others are asked.

mod lending;
mod local;
mod quota;
mod rated;
mod search;
mod shared;
mod slow_keys;
mod tokens;

use std::{sync::Arc, time::Instant};

pub(crate) use lending::{FellShort, Steps};

use crate::queue::{
    config::Config, registry::Registered, served::Share, shared_limit::SharedLimit,
};
use local::{LocalPermit, LocalPermits};
use rated::RatedPermits;
use shared::{SharedPermit, SharedPermits};
use slow_keys::SlowKeys;

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
    shared: SharedPermits,
    rated: RatedPermits,
    slow_keys: SlowKeys,
}

/// The permits of one job, one from each source.
#[derive(Debug)]
pub(crate) struct RunPermit {
    _local: LocalPermit,
    _shared: Option<SharedPermit>,
    /// When the job must have started, because its token is for a start at a time; `None`: it is under no rate.
    pub(crate) start_by: Option<Instant>,
}

impl Permits {
    pub(crate) fn new(config: &Config) -> Self {
        let shared = SharedPermits::default();
        let rated = RatedPermits::new(Arc::clone(shared.on_change()));
        let (local, slow_keys) = (LocalPermits::new(config), SlowKeys::default());
        Self { local, shared, rated, slow_keys }
    }

    /// Returns how many more jobs of this scope may start, by all sources together.
    pub(crate) fn free(&self, of: PermitScope<'_>, config: &Config) -> usize {
        let free = std::cmp::min(self.local.free(of, config), self.shared.free(of, config));
        std::cmp::min(free, self.rated.free(of, config))
    }

    /// Returns how many more jobs of this scope may start, by the permits of this process alone.
    pub(crate) fn free_here(&self, of: PermitScope<'_>, config: &Config) -> usize {
        self.local.free(of, config)
    }

    /// Returns whether these jobs may be fetched before there are permits for them. A limit of their own keeps them from
    /// it: the jobs would wait here while they could start elsewhere. A limit that all processes share does not where
    /// this process holds as many permits of it as it can use.
    pub(crate) fn may_be_ahead(&self, queue: &str, share: &Share, config: &Config) -> bool {
        share.free.is_none() && self.are_covered(queue, &share.limits, config)
    }

    /// Returns whether this process holds as many permits of these limits, and of the queue's, as it can use. Tokens
    /// of a rate do not keep, so there are never as many.
    pub(crate) fn are_covered(&self, queue: &str, limits: &[SharedLimit], config: &Config) -> bool {
        let usable = std::cmp::min(config.global_permits, config.permits_of(queue));
        let limits = || config.limit_of(queue).into_iter().chain(limits);
        limits().all(|limit| limit.rate.is_none()) && self.shared.hold(limits(), usable)
    }

    /// Returns whether a permit that becomes free may be passed on to the next job, or has to be taken anew.
    pub(crate) fn are_reusable(&self) -> bool {
        self.local.are_reusable() && self.shared.are_reusable()
    }

    /// Takes the permits of one job; `None` if one of them is not free.
    pub(crate) fn take(
        &self,
        queue: &str,
        handler: &Registered,
        config: &Config,
    ) -> Option<RunPermit> {
        let shared = self.shared.take(queue, handler, config)?;
        let local = self.local.take(queue, handler, config)?;
        let start_by = self.rated.take(queue, handler, config)?;
        Some(RunPermit { _local: local, _shared: shared, start_by })
    }
}
