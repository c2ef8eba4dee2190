//! How much is finished and not written yet, and whether writing works at all.

use std::{
    sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::SeqCst},
    time::Duration,
};

use super::batch::BatchKind;

/// Keeps a process from running jobs whose ends it cannot write.
///
/// Each unwritten end is a job that others run again if this process dies. In normal operation there are as many as
/// finish during one write. Every end beyond the bound takes the place of a job that could be claimed. While the last
/// write of a kind has failed, nothing is claimed.
#[derive(Debug)]
pub(crate) struct Unwritten {
    runs: AtomicUsize,
    bytes: AtomicUsize,
    /// Upper bound of unwritten runs: as many as are written in [`TIME_TO_WRITE`], at the pace of the last statement.
    bound: AtomicUsize,
    /// One bit per kind: its last write failed.
    failing: AtomicU8,
    /// Number of jobs that may start nevertheless, to learn whether an end or the table is at fault.
    trials: AtomicUsize,
    /// How often trials were allowed since the last doubt was resolved.
    rounds: AtomicU32,
    /// Number of successful statements of each kind, by the finalizer or the poller.
    successes: [AtomicU64; BatchKind::PLACES],
    /// The poller got fewer permits than it could use, and is told when there are more.
    held_back: AtomicBool,
}

/// What may be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) permits: usize,
    /// Whether jobs may be prefetched beyond that.
    pub(crate) may_be_ahead: bool,
}

/// 2,000 runs: one statement of the largest size is in flight, and the next is collected. A slow writer never has more
/// work than that.
const LEAST_BOUND: usize = 2 * super::RUNS_PER_STATEMENT;

/// 8,000 runs. With a bound of 2,000, a drain of jobs that do nothing reaches it again and again: its fetches become
/// smaller, and it takes 10 % longer.
const LARGEST_BOUND: usize = 8 * super::RUNS_PER_STATEMENT;

/// 100 ms: the time in which all unwritten runs should be written.
const TIME_TO_WRITE: Duration = Duration::from_millis(100);

/// 32 MiB of results and errors.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// 4 jobs show whether an end is refused for its own values or the table accepts none. If they do not, because they end
/// in another way, twice as many are tried the next time.
const TRIALS: usize = 4;

impl Default for Unwritten {
    fn default() -> Self {
        Self {
            runs: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            bound: AtomicUsize::new(LEAST_BOUND),
            failing: AtomicU8::new(0),
            trials: AtomicUsize::new(0),
            rounds: AtomicU32::new(0),
            successes: Default::default(),
            held_back: AtomicBool::new(false),
        }
    }
}

impl Unwritten {
    pub(super) fn add(&self, bytes: usize) {
        self.runs.fetch_add(1, SeqCst);
        self.bytes.fetch_add(bytes, SeqCst);
    }

    /// These runs, of this size, are written or another process's. Returns whether the poller waits for that.
    pub(super) fn remove(&self, runs: usize, bytes: usize) -> bool {
        self.runs.fetch_sub(runs, SeqCst);
        self.bytes.fetch_sub(bytes, SeqCst);
        self.wakes_poller()
    }

    /// Adjusts the bound to the pace of a statement that wrote this many runs in this time.
    pub(super) fn paced(&self, runs: usize, took: Duration) {
        let statements = TIME_TO_WRITE.div_duration_f64(took);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "it is clamped"
        )]
        let bound = (runs as f64 * statements) as usize;
        self.bound.store(bound.clamp(LEAST_BOUND, LARGEST_BOUND), SeqCst);
    }

    pub(super) fn failed(&self, kind: BatchKind) {
        self.failing.fetch_or(kind.bit(), SeqCst);
    }

    /// A statement succeeded. Returns whether the poller waits for that.
    pub(super) fn succeeded(&self, kind: BatchKind) -> bool {
        self.successes[kind.place()].fetch_add(1, SeqCst);
        self.cleared(kind)
    }

    pub(super) fn successes(&self, kind: BatchKind) -> u64 {
        self.successes[kind.place()].load(SeqCst)
    }

    /// Writes of this kind no longer count as failing. Returns whether the poller waits for that.
    pub(super) fn cleared(&self, kind: BatchKind) -> bool {
        if self.failing.load(SeqCst) & kind.bit() == 0 {
            return false;
        }
        self.failing.fetch_and(!kind.bit(), SeqCst);
        self.trials.store(0, SeqCst);
        self.rounds.store(0, SeqCst);
        self.wakes_poller()
    }

    /// Allows a few trials if a write has failed. Returns whether the poller waits for that.
    pub(super) fn allow_trials(&self) -> bool {
        if self.failing.load(SeqCst) == 0 {
            return false;
        }
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
        // Look again: a write that finished before the mark was set woke nothing.
        self.room_now(free)
    }

    /// A job starts. While writes fail it uses up a trial; a claim that finds nothing uses up none.
    pub(crate) fn started(&self) {
        if self.failing.load(SeqCst) != 0 {
            // A race with newly allowed trials changes their number by a few, which is harmless.
            self.trials.store(self.trials.load(SeqCst).saturating_sub(1), SeqCst);
        }
    }

    /// Number of runs that wait to be written.
    pub(crate) fn runs(&self) -> usize {
        self.runs.load(SeqCst)
    }

    /// Whether jobs that are already claimed must not start now.
    pub(crate) fn stops_starts(&self) -> bool {
        let stops = || {
            self.failing.load(SeqCst) != 0 && self.trials.load(SeqCst) == 0
                || self.runs.load(SeqCst) >= 2 * self.bound.load(SeqCst)
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
        let beyond = self.runs.load(SeqCst).saturating_sub(self.bound.load(SeqCst));
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
        for _ in 0..LEAST_BOUND {
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
    fn a_writer_that_is_quick_may_have_more_to_do() {
        let unwritten = Unwritten::default();
        for _ in 0..LEAST_BOUND + 2000 {
            unwritten.add(1);
        }
        let room = || unwritten.room(3000).permits;
        assert_eq!(room(), 1000);
        unwritten.paced(1000, TIME_TO_WRITE / 5);
        assert_eq!(room(), 3000);
        unwritten.paced(1000, Duration::from_secs(2));
        assert_eq!(room(), 1000);
        unwritten.paced(1, Duration::ZERO);
        assert_eq!(unwritten.bound.load(SeqCst), LARGEST_BOUND);
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
        unwritten.failed(BatchKind::Completed);
        unwritten.failed(BatchKind::Retry);
        assert_eq!(unwritten.room(10).permits, 0);
        assert!(unwritten.stops_starts());
        assert!(!unwritten.succeeded(BatchKind::DeadLetter), "of another kind");
        unwritten.succeeded(BatchKind::Retry);
        assert_eq!(unwritten.room(10).permits, 0);
        assert!(unwritten.allow_trials());
        for _ in 0..2 {
            let room = Room { permits: TRIALS, may_be_ahead: false };
            assert_eq!(unwritten.room(10), room, "a claim that found nothing used none up");
        }
        (0..TRIALS).for_each(|_| unwritten.started());
        assert_eq!(unwritten.room(10).permits, 0, "they have been used");
        assert!(unwritten.stops_starts());
        assert!(unwritten.allow_trials());
        assert_eq!(unwritten.room(10).permits, 2 * TRIALS, "they told nothing");
        assert!(unwritten.succeeded(BatchKind::Touched), "of the same table");
        assert!(!unwritten.allow_trials(), "nothing is in doubt");
        assert_eq!(unwritten.room(10), Room { permits: 10, may_be_ahead: true });
    }
}
