//! How much is over and not written yet, and whether it can be written at all.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering::SeqCst};

use super::batch::BatchKind;

/// What keeps a process from running jobs whose ends it cannot write.
///
/// Each unwritten end is a job that others will run again should this process die. While all is well, there are
/// as many as end during a write. Every end beyond [`MOST_RUNS`] takes the place of a job that could be claimed;
/// and as long as the last write of a kind failed, nothing is claimed.
#[derive(Debug, Default)]
pub(crate) struct Unwritten {
    runs: AtomicUsize,
    bytes: AtomicUsize,
    /// A bit for each kind of which the last write failed.
    failing: AtomicU8,
    /// How many jobs may be claimed all the same, to learn whether the fault is an end's or the table's.
    trials: AtomicUsize,
    /// How often that was allowed since the last doubt was cleared.
    rounds: AtomicU32,
    /// The poller was given less than it could have used, and is to hear when there is more.
    held_back: AtomicBool,
}

/// What may be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) permits: usize,
    /// Whether more than that may be fetched, ahead of need.
    pub(crate) may_be_ahead: bool,
}

/// 2,000 runs: one statement of the longest is under way, and the next has gathered. A writer that has so much
/// to do never waits for more.
const MOST_RUNS: usize = 2 * super::RUNS_PER_STATEMENT;

/// 32 MiB of results and errors.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Four jobs tell an end that is refused for its own sake from a table that takes none; if they do not, because
/// they end otherwise, twice as many are tried the next time.
const TRIALS: usize = 4;

impl Unwritten {
    pub(super) fn add(&self, bytes: usize) {
        self.runs.fetch_add(1, SeqCst);
        self.bytes.fetch_add(bytes, SeqCst);
    }

    /// So many runs of so many bytes are written, or another's. Returns whether the poller waits for that.
    pub(super) fn remove(&self, runs: usize, bytes: usize) -> bool {
        self.runs.fetch_sub(runs, SeqCst);
        self.bytes.fetch_sub(bytes, SeqCst);
        self.wakes_poller()
    }

    pub(super) fn failed(&self, kind: BatchKind) {
        self.failing.fetch_or(kind.bit(), SeqCst);
    }

    /// Returns whether the poller waits for that.
    pub(super) fn succeeded(&self, kind: BatchKind) -> bool {
        if self.failing.load(SeqCst) & kind.bit() == 0 {
            return false;
        }
        self.failing.fetch_and(!kind.bit(), SeqCst);
        self.trials.store(0, SeqCst);
        self.rounds.store(0, SeqCst);
        self.wakes_poller()
    }

    /// Lets a few jobs be claimed although a write has failed. Returns whether the poller waits for that.
    pub(super) fn allow_trials(&self) -> bool {
        let rounds = std::cmp::min(self.rounds.fetch_add(1, SeqCst), 16);
        self.trials.store(TRIALS << rounds, SeqCst);
        self.wakes_poller()
    }

    /// How many of these free permits may be claimed for.
    pub(crate) fn room(&self, free: usize) -> Room {
        let room = self.room_now(free);
        if room.may_be_ahead {
            return room;
        }
        self.held_back.store(true, SeqCst);
        // What was written before the mark woke nobody.
        let room = self.room_now(free);
        if self.failing.load(SeqCst) != 0 {
            // Where others are set meanwhile, a few more or less are tried.
            self.trials.store(self.trials.load(SeqCst).saturating_sub(room.permits), SeqCst);
        }
        room
    }

    /// How many runs wait to be written.
    pub(crate) fn runs(&self) -> usize {
        self.runs.load(SeqCst)
    }

    /// Whether a job that was claimed before shall not begin now.
    pub(crate) fn stops_starts(&self) -> bool {
        let stops = || {
            self.failing.load(SeqCst) != 0 && self.trials.load(SeqCst) == 0
                || self.runs.load(SeqCst) >= 2 * MOST_RUNS
                || self.bytes.load(SeqCst) >= MOST_BYTES
        };
        stops() && {
            self.held_back.store(true, SeqCst);
            stops()
        }
    }

    fn room_now(&self, free: usize) -> Room {
        if self.bytes.load(SeqCst) >= MOST_BYTES {
            return Room { permits: 0, may_be_ahead: false };
        }
        let beyond = self.runs.load(SeqCst).saturating_sub(MOST_RUNS);
        let permits = free.saturating_sub(beyond);
        match self.failing.load(SeqCst) {
            0 => Room { permits, may_be_ahead: beyond == 0 },
            _ => {
                let permits = std::cmp::min(permits, self.trials.load(SeqCst));
                Room { permits, may_be_ahead: false }
            }
        }
    }

    fn wakes_poller(&self) -> bool {
        self.held_back.load(SeqCst) && self.held_back.swap(false, SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_beyond_the_bound_take_the_place_of_jobs() {
        let unwritten = Unwritten::default();
        for _ in 0..MOST_RUNS {
            unwritten.add(1);
        }
        assert_eq!(unwritten.room(10), Room { permits: 10, may_be_ahead: true });
        (0..4).for_each(|_| unwritten.add(1));
        assert_eq!(unwritten.room(10), Room { permits: 6, may_be_ahead: false });
        (0..10).for_each(|_| unwritten.add(1));
        assert_eq!(unwritten.room(10).permits, 0);
        assert!(unwritten.remove(14, 14), "the poller hears of it");
        assert!(!unwritten.remove(1, 1), "once");
        assert_eq!(unwritten.room(10), Room { permits: 10, may_be_ahead: true });
    }

    #[test]
    fn nothing_is_claimed_while_more_is_kept_than_memory_is_for() {
        let unwritten = Unwritten::default();
        unwritten.add(MOST_BYTES);
        assert_eq!(unwritten.room(10), Room { permits: 0, may_be_ahead: false });
        assert!(unwritten.stops_starts());
        assert!(unwritten.remove(1, MOST_BYTES));
        assert!(!unwritten.stops_starts());
    }

    #[test]
    fn nothing_is_claimed_while_a_write_fails_but_a_few_for_a_trial() {
        let unwritten = Unwritten::default();
        unwritten.failed(BatchKind::Done);
        unwritten.failed(BatchKind::Retry);
        assert_eq!(unwritten.room(10).permits, 0);
        assert!(unwritten.stops_starts());
        assert!(!unwritten.succeeded(BatchKind::DeadLetter), "of another kind");
        unwritten.succeeded(BatchKind::Retry);
        assert_eq!(unwritten.room(10).permits, 0);
        assert!(unwritten.allow_trials());
        assert_eq!(unwritten.room(10), Room { permits: TRIALS, may_be_ahead: false });
        assert_eq!(unwritten.room(10).permits, 0, "they have been used");
        assert!(unwritten.allow_trials());
        assert_eq!(unwritten.room(10).permits, 2 * TRIALS, "they told nothing");
        assert!(unwritten.succeeded(BatchKind::Touched), "of the same table");
        assert_eq!(unwritten.room(10), Room { permits: 10, may_be_ahead: true });
    }
}
