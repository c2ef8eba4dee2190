//! What the poller remembers of a limit for each key, from one visit to the next.

use std::time::{Duration, Instant};

use crate::{
    queue::registry::KeyRule,
    retry_pause::RetryPause,
    store::{Begun, Places, Visited},
};

/// What the poller remembers of a limit for each key.
#[derive(Debug, Default)]
pub(super) struct RuleState {
    pub(super) is_declared: bool,
    /// The gate after which the next visit begins.
    pub(super) after: String,
    /// The key whose share of this round is not used up.
    pub(super) begun: Option<Begun>,
    /// Since when other keys have not all had their turn, and how many jobs were claimed since.
    taken_over: Option<(Instant, usize)>,
    /// Since when places may have been handed over and none were released.
    hands_over_since: Option<Instant>,
    /// A visit of this round of the ring has consumed a turn or claimed a job.
    has_moved: bool,
    pub(super) retry_pause: RetryPause,
    pub(super) not_before: Option<Instant>,
    /// When the last visit or look found nothing; `None`: it found something.
    pub(super) empty_at: Option<Instant>,
    pub(super) last: LastVisit,
}

/// What the next visit has to know of the last one.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct LastVisit {
    pub(super) lasted: Duration,
    /// It took all permits.
    pub(super) took_all: bool,
    /// Nearly all of its jobs took over the place of one that it completed.
    hands_over: bool,
}

/// What a visit asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// Number of runs to complete.
    pub(super) completed: usize,
    pub(super) permits: usize,
    pub(super) places: Places,
    pub(super) sent: Instant,
}

/// 16 jobs of a key one after another, and at least 250 ms and at most 1 s, in which the keys that have places keep all
/// permits; then other keys have their turn. To exchange all keys costs as much as five hand-overs. After 1 s places are
/// released in any case: a key that has more of them than its limit, because that was lowered, keeps them by hand-overs.
const QUANTUM: usize = 16;
const SHORTEST_QUANTUM: Duration = Duration::from_millis(250);
const LONGEST_QUANTUM: Duration = Duration::from_secs(1);

impl RuleState {
    /// Whether the keys that have places may keep them, with so many permits for all keys.
    pub(super) fn keeps_places(&self, all: usize) -> bool {
        let is_over = |since: Instant| since.elapsed() >= LONGEST_QUANTUM;
        !self.hands_over_since.is_some_and(is_over)
            && self.taken_over.is_none_or(|(since, jobs)| {
                since.elapsed() < SHORTEST_QUANTUM || !is_over(since) && jobs < all * QUANTUM
            })
    }

    /// Whether so many completed runs are for a hand-over, rather than for a visit of other keys too.
    pub(super) fn hands_over(&self, completed: usize, permits: usize) -> bool {
        self.last.hands_over && completed > 0 && permits > 0 && completed >= most_of(permits)
    }

    /// Learns from a visit; returns whether more may be due.
    pub(super) fn learn(&mut self, rule: &KeyRule, asked: Asked, visited: &Visited) -> bool {
        let (summary, claimed) = (&visited.summary, visited.fetched.jobs.len());
        let all_taken = asked.permits > 0 && claimed >= asked.permits;
        let has_most = asked.permits > 0 && claimed >= most_of(asked.permits);
        let may_hand_over = rule.limit.rate.is_none() && !rule.limit.is_fair;
        self.last = LastVisit {
            lasted: asked.sent.elapsed(),
            took_all: all_taken,
            hands_over: may_hand_over && has_most && summary.visited <= claimed / 4,
        };
        let began_within = !self.after.is_empty();
        let others_had_their_turn = match asked.places {
            Places::First => !all_taken && !began_within && summary.last.is_none(),
            Places::Only => false,
            Places::Released => true,
        };
        self.taken_over = (!others_had_their_turn).then(|| {
            let (since, jobs) = self.taken_over.unwrap_or_else(|| (Instant::now(), 0));
            (since, jobs + claimed)
        });
        let releases = asked.places == Places::Released;
        if releases {
            self.hands_over_since = None;
        } else if asked.completed > 0 {
            self.hands_over_since.get_or_insert_with(Instant::now);
        }
        if asked.places == Places::Only {
            // Other keys were not looked at.
            return true;
        }
        self.empty_at =
            (asked.permits > 0 && claimed == 0 && summary.taken == 0).then(Instant::now);
        self.begun.clone_from(&summary.begun);
        // A visit that took all permits has passed over gates, or did not reach the ring.
        if !all_taken {
            self.after = summary.last.clone().unwrap_or_default();
        } else if let Some(last) = &summary.last {
            self.after.clone_from(last);
        }
        let moves = summary.taken > 0 || claimed > 0;
        self.has_moved |= moves;
        // Turns that another transaction has locked stay where they are. After a round that only met those, the next one
        // is not due at once.
        let goes_on =
            (began_within || summary.last.is_some()) && (self.has_moved || !self.after.is_empty());
        if self.after.is_empty() {
            self.has_moved = false;
        }
        releases || all_taken || goes_on || summary.has_more && moves
    }

    /// How long it is not to be visited, after a failure.
    pub(super) fn pause(&self) -> Option<Duration> {
        let pause = self.not_before?.saturating_duration_since(Instant::now());
        Some(pause).filter(|pause| !pause.is_zero())
    }
}

/// Three quarters.
const fn most_of(permits: usize) -> usize {
    permits - permits / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A limit whose keys have kept their places for so long, and got so many jobs.
    fn taken_over(milliseconds: u64, jobs: usize) -> RuleState {
        let since = Instant::now().checked_sub(Duration::from_millis(milliseconds)).unwrap();
        RuleState { taken_over: Some((since, jobs)), ..RuleState::default() }
    }

    #[test]
    fn keys_keep_their_places_for_sixteen_jobs_each_and_a_quarter_of_a_second() {
        assert!(RuleState::default().keeps_places(100));
        assert!(taken_over(10, 10_000).keeps_places(100));
        assert!(taken_over(300, 1599).keeps_places(100));
        assert!(!taken_over(300, 1600).keeps_places(100));
        assert!(!taken_over(1001, 1).keeps_places(100));
        let since = Instant::now().checked_sub(LONGEST_QUANTUM);
        assert!(!RuleState { hands_over_since: since, ..RuleState::default() }.keeps_places(100));
    }

    #[test]
    fn places_are_handed_over_where_the_last_visit_did_so_and_most_permits_are_of_ended_runs() {
        let state = RuleState {
            last: LastVisit { hands_over: true, ..LastVisit::default() },
            ..RuleState::default()
        };
        assert!(state.hands_over(75, 100));
        assert!(!state.hands_over(74, 100));
        assert!(!state.hands_over(0, 1));
        assert!(!state.hands_over(1, 0));
        assert!(!RuleState::default().hands_over(100, 100));
    }
}
