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
    others_wait_since: Option<(Instant, usize)>,
    /// How many completed runs are to release their places, so that other keys have their turn.
    to_release: usize,
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
    took_over_most: bool,
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
/// permits; then other keys have their turn. To exchange all keys costs as much as five hand-overs.
const QUANTUM: usize = 16;
const SHORTEST_QUANTUM: Duration = Duration::from_millis(250);
const LONGEST_QUANTUM: Duration = Duration::from_secs(1);

impl RuleState {
    /// What a visit does with the places of so many completed runs, where so many permits are for all keys, and so many
    /// of them are in use.
    pub(super) fn places(&mut self, completed: usize, in_use: usize, all: usize) -> Places {
        if completed == 0 {
            return Places::First;
        }
        if self.to_release == 0 && self.quantum_is_over(all) {
            self.to_release = std::cmp::max(in_use, completed);
        }
        if self.to_release > 0 { Places::Released } else { Places::First }
    }

    /// Whether so many completed runs are for a hand-over, rather than for a visit of other keys too.
    pub(super) fn hands_over(&self, completed: usize, free: usize, all: usize) -> bool {
        self.last.took_over_most
            && self.to_release == 0
            && !self.quantum_is_over(all)
            && completed > 0
            && free > 0
            && completed >= three_quarters_of(free)
    }

    fn quantum_is_over(&self, all: usize) -> bool {
        self.others_wait_since.is_some_and(|(since, jobs)| {
            let lasted = since.elapsed();
            lasted >= LONGEST_QUANTUM || lasted >= SHORTEST_QUANTUM && jobs >= all * QUANTUM
        })
    }

    /// Learns from a visit; returns whether more may be due.
    pub(super) fn learn(&mut self, rule: &KeyRule, asked: Asked, visited: &Visited) -> bool {
        let (summary, claimed) = (&visited.summary, visited.fetched.jobs.len());
        let all_taken = asked.permits > 0 && claimed >= asked.permits;
        let has_most = asked.permits > 0 && claimed >= three_quarters_of(asked.permits);
        let may_hand_over = rule.limit.rate.is_none() && !rule.limit.is_fair;
        self.last = LastVisit {
            lasted: asked.sent.elapsed(),
            took_all: all_taken,
            took_over_most: may_hand_over && has_most && summary.visited <= claimed / 4,
        };
        let began_within = !self.after.is_empty();
        let others_had_their_turn = match asked.places {
            Places::First => !all_taken && !began_within && summary.last.is_none(),
            Places::Only => false,
            Places::Released => {
                self.to_release = self.to_release.saturating_sub(asked.completed);
                self.to_release == 0
            }
        };
        if others_had_their_turn {
            (self.others_wait_since, self.to_release) = (None, 0);
        } else {
            let (since, jobs) = self.others_wait_since.unwrap_or_else(|| (Instant::now(), 0));
            self.others_wait_since = Some((since, jobs + claimed));
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
        asked.places == Places::Released || all_taken || goes_on || summary.has_more && moves
    }

    /// How long it is not to be visited, after a failure.
    pub(super) fn pause(&self) -> Option<Duration> {
        let pause = self.not_before?.saturating_duration_since(Instant::now());
        Some(pause).filter(|pause| !pause.is_zero())
    }
}

const fn three_quarters_of(permits: usize) -> usize {
    permits - permits / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A limit whose other keys have waited for so long, in which so many jobs were claimed.
    fn others_wait(milliseconds: u64, jobs: usize) -> RuleState {
        let since = Instant::now().checked_sub(Duration::from_millis(milliseconds)).unwrap();
        RuleState { others_wait_since: Some((since, jobs)), ..RuleState::default() }
    }

    #[test]
    fn keys_keep_their_places_for_sixteen_jobs_each_and_a_quarter_of_a_second() {
        let places = |mut state: RuleState| state.places(100, 100, 100);
        assert_eq!(places(RuleState::default()), Places::First);
        assert_eq!(places(others_wait(10, 10_000)), Places::First);
        assert_eq!(places(others_wait(300, 1599)), Places::First);
        assert_eq!(places(others_wait(300, 1600)), Places::Released);
        assert_eq!(places(others_wait(1001, 1)), Places::Released);
    }

    #[test]
    fn all_places_are_released_where_runs_end_one_by_one() {
        let mut state = others_wait(1001, 1);
        assert_eq!(state.places(0, 100, 100), Places::First, "nothing has ended");
        assert_eq!(state.places(1, 100, 100), Places::Released);
        assert_eq!(state.to_release, 100);
        state.to_release = 1;
        assert_eq!(state.places(1, 100, 100), Places::Released);
        assert!(!state.hands_over(1, 1, 100));
    }

    #[test]
    fn places_are_handed_over_where_the_last_visit_did_so_and_most_permits_are_of_ended_runs() {
        let last = LastVisit { took_over_most: true, ..LastVisit::default() };
        let state = RuleState { last, ..RuleState::default() };
        assert!(state.hands_over(75, 100, 100));
        assert!(!state.hands_over(74, 100, 100));
        assert!(!state.hands_over(0, 1, 100));
        assert!(!state.hands_over(1, 0, 100));
        assert!(!RuleState::default().hands_over(100, 100, 100));
        assert!(!RuleState { last, ..others_wait(1001, 1) }.hands_over(100, 100, 100));
    }
}
