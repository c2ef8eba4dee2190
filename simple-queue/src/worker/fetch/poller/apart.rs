//! Jobs that are never prefetched, in a process that prefetches others.
//!
//! A prefetched job takes over the permit of the run before it. So while jobs are prefetched, no permit becomes free for
//! those that are claimed only when they can start: jobs under a limit. Therefore a process that runs such jobs too
//! prefetches only for a short time, then asks for all jobs with the permits that become free, and prefetches again if
//! none of them is under a limit.

use std::time::{Duration, Instant};

/// 100 ms for which jobs are prefetched before jobs under a limit are asked for again. To ask costs about a round trip.
const AHEAD_FOR: Duration = Duration::from_millis(100);

/// What is known of the jobs that are never prefetched.
#[derive(Debug, Default)]
pub(super) struct Apart {
    /// Jobs under a limit of their handler, or one that all processes share.
    shares: Asked,
    /// Jobs under a limit for each key.
    keys: Asked,
}

/// The last time that some jobs were asked for with permits, and whether there were any.
#[derive(Debug, Default, Clone, Copy)]
struct Asked {
    at: Option<Instant>,
    found: bool,
}

impl Asked {
    fn learn(&mut self, was_asked: bool, found: bool) {
        if was_asked {
            self.at = Some(Instant::now());
            self.found = found;
        }
        self.found |= found;
    }

    /// Whether it is known that none of them waited a moment ago.
    fn knows_of_none(self) -> bool {
        !self.found && self.at.is_some_and(|at| at.elapsed() < AHEAD_FOR)
    }
}

impl Apart {
    /// Returns whether other jobs may be prefetched, in a process that has such shares or keys.
    pub(super) fn lets_prefetch(&self, has_shares: bool, has_keys: bool) -> bool {
        (!has_shares || self.shares.knows_of_none()) && (!has_keys || self.keys.knows_of_none())
    }

    /// Records a fetch: whether it asked for all such shares with permits, and whether it found jobs of them.
    pub(super) fn fetched(&mut self, was_asked: bool, found: bool) {
        self.shares.learn(was_asked, found);
    }

    /// Records a round of visits, as [`Apart::fetched`].
    pub(super) fn visited(&mut self, was_asked: bool, found: bool) {
        self.keys.learn(was_asked, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_prefetched_while_it_is_known_that_none_under_a_limit_waits() {
        let mut apart = Apart::default();
        assert!(apart.lets_prefetch(false, false));
        assert!(!apart.lets_prefetch(true, false) && !apart.lets_prefetch(false, true));
        apart.fetched(true, false);
        assert!(apart.lets_prefetch(true, false) && !apart.lets_prefetch(true, true));
        apart.visited(true, false);
        assert!(apart.lets_prefetch(true, true));
        apart.visited(false, true);
        assert!(apart.lets_prefetch(true, false) && !apart.lets_prefetch(true, true));
        apart.fetched(true, true);
        assert!(!apart.lets_prefetch(true, false));
        apart.fetched(false, false);
        assert!(!apart.lets_prefetch(true, false), "without permits nothing was learnt");
    }

    #[test]
    fn what_was_learnt_is_soon_forgotten() {
        let old = Instant::now().checked_sub(2 * AHEAD_FOR);
        let asked = Asked { at: old, found: false };
        assert!(!Apart { shares: asked, keys: asked }.lets_prefetch(true, false));
    }
}
