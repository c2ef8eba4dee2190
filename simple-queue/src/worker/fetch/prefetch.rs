//! Jobs that are fetched ahead of need, so that a permit that becomes free is used at once.
//!
//! A process that finishes thousands of jobs in a second would otherwise wait for a round trip after every hundred. How
//! far ahead is measured: as many jobs as finish during [`ROUND_TRIPS`] fetches, and none where few finish, because a
//! job that waits here could run in another process. A job that waits here for too long is given back with its attempt,
//! and so are all of them when the process stops.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};

use crate::{admission::RunPermit, queue::registry::Registered, store::FetchedJob};

/// Number of fetches during which as many jobs finish as are prefetched: one fetch is in flight, and the next may take
/// longer.
const ROUND_TRIPS: u32 = 4;

/// 50 ms, upper bound of that time.
const HORIZON: Duration = Duration::from_millis(50);

/// Upper bound of the prefetched jobs of a queue. A statement claims half of them, so that the other half lasts until
/// its response arrives. With half as many, a drain without history was slower by a sixth; with twice as many, no
/// faster.
const MOST: usize = 2000;

/// Lower bound of a useful prefetch: the next fetch brings fewer jobs just as soon.
const FEWEST: usize = 8;

/// 20 ms, duration of one sample of the pace.
const SAMPLE: Duration = Duration::from_millis(20);

/// The prefetched jobs of a process: the more urgent first, and jobs of one priority in the order of their claims.
#[derive(Default)]
pub(in crate::worker) struct Prefetched {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queues: HashMap<String, Ahead>,
    /// The queues that have prefetched jobs, the next one first.
    turns: VecDeque<String>,
    /// Moving average of the duration of non-empty fetches.
    round_trip: Duration,
}

struct Ahead {
    waiting: VecDeque<PrefetchedJob>,
    /// Number of jobs to prefetch, as of the last plan.
    target: usize,
    /// Number of jobs that ended since the last sample.
    ended: u32,
    sampled_at: Instant,
    /// Number of jobs that end per second.
    pace: f64,
}

/// A claimed job without a permit.
pub(in crate::worker) struct PrefetchedJob {
    pub(in crate::worker) handler: Arc<Registered>,
    pub(in crate::worker) fetched: Box<FetchedJob>,
    since: Instant,
}

impl PrefetchedJob {
    pub(in crate::worker) fn new(handler: Arc<Registered>, fetched: Box<FetchedJob>) -> Self {
        Self { handler, fetched, since: Instant::now() }
    }
}

/// What can start next.
pub(in crate::worker) struct Next {
    pub(in crate::worker) job: Option<(PrefetchedJob, RunPermit)>,
    /// So few prefetched jobs are left that it is time to fetch more.
    pub(in crate::worker) runs_low: bool,
}

impl Prefetched {
    /// Returns the number of jobs to request for a queue: its free permits plus the room for prefetched jobs, if it may
    /// prefetch. While prefetched jobs remain, only the room counts, and only once half of the prefetched jobs have
    /// begun.
    pub(in crate::worker) fn wanted(&self, queue: &str, free: usize, may_be_ahead: bool) -> usize {
        let State { queues, round_trip, .. } = &mut *self.state();
        let Some(ahead) = queues.get_mut(queue) else { return free };
        let horizon = std::cmp::min(*round_trip * ROUND_TRIPS, HORIZON);
        ahead.target = if may_be_ahead { ahead.measured_target(horizon) } else { 0 };
        let room = ahead.target.saturating_sub(ahead.waiting.len());
        match ahead.waiting.is_empty() {
            true => free + room,
            false if ahead.runs_low() => room,
            false => 0,
        }
    }

    /// Records the duration of a non-empty fetch.
    pub(in crate::worker) fn fetched_in(&self, took: Duration) {
        let State { round_trip, .. } = &mut *self.state();
        // The new value has a weight of a fourth, so that one commit that waits for the disk changes little.
        *round_trip = if round_trip.is_zero() { took } else { (*round_trip * 3 + took) / 4 };
    }

    pub(in crate::worker) fn push(&self, jobs: Vec<PrefetchedJob>) {
        let State { queues, turns, .. } = &mut *self.state();
        for waiting in jobs {
            let queue = &waiting.fetched.job.queue;
            if !queues.contains_key(queue) {
                queues.insert(queue.clone(), Ahead::new());
            }
            let Some(ahead) = queues.get_mut(queue) else { continue };
            if ahead.waiting.is_empty() {
                turns.push_back(queue.clone());
            }
            ahead.push(waiting);
        }
    }

    /// Returns the next job for which there is a permit, the oldest of its queue; the queues take turns. `ended` is the
    /// queue of a job that has just ended, from which the pace is measured.
    pub(in crate::worker) fn next(
        &self,
        ended: Option<&str>,
        mut permit: impl FnMut(&str, &Arc<Registered>) -> Option<RunPermit>,
    ) -> Next {
        let State { queues, turns, .. } = &mut *self.state();
        if let Some(queue) = ended {
            match queues.get_mut(queue) {
                Some(ahead) => ahead.ended = ahead.ended.saturating_add(1),
                None => {
                    queues.insert(queue.to_owned(), Ahead { ended: 1, ..Ahead::new() });
                }
            }
        }
        for _ in 0..turns.len() {
            let Some(queue) = turns.pop_front() else { break };
            let Some(ahead) = queues.get_mut(&queue) else { continue };
            // A queue whose jobs were given back in the meantime has no turn.
            let Some(first) = ahead.waiting.front() else { continue };
            let job = permit(&queue, &first.handler)
                .and_then(|permit| Some((ahead.waiting.pop_front()?, permit)));
            let runs_low = ahead.runs_low();
            if !ahead.waiting.is_empty() {
                turns.push_back(queue);
            }
            if job.is_some() {
                return Next { job, runs_low };
            }
        }
        Next { job: None, runs_low: true }
    }

    /// Takes out the jobs that have waited for longer than this.
    pub(in crate::worker) fn overdue(&self, patience: Duration) -> Vec<PrefetchedJob> {
        let mut overdue = Vec::new();
        for ahead in self.state().queues.values_mut() {
            let is_overdue = |waiting: &PrefetchedJob| waiting.since.elapsed() >= patience;
            // More urgent jobs may stand before those that have waited longest.
            if ahead.longest().is_some_and(is_overdue) {
                let (late, waiting): (VecDeque<_>, _) =
                    mem::take(&mut ahead.waiting).into_iter().partition(is_overdue);
                overdue.extend(late);
                ahead.waiting = waiting;
            }
        }
        overdue
    }

    /// Time until the first job has waited for this long.
    pub(in crate::worker) fn until_overdue(&self, patience: Duration) -> Option<Duration> {
        let state = self.state();
        let longest = state.queues.values().filter_map(Ahead::longest);
        longest.map(|longest| patience.saturating_sub(longest.since.elapsed())).min()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl Ahead {
    fn new() -> Self {
        let sampled_at = Instant::now();
        Self { waiting: VecDeque::new(), target: 0, ended: 0, sampled_at, pace: 0.0 }
    }

    /// Inserts a job behind those of its priority.
    fn push(&mut self, waiting: PrefetchedJob) {
        let priority = waiting.fetched.priority;
        match self.waiting.back() {
            Some(last) if last.fetched.priority > priority => {
                let is_before = |other: &PrefetchedJob| other.fetched.priority <= priority;
                let place = self.waiting.partition_point(is_before);
                self.waiting.insert(place, waiting);
            }
            _ => self.waiting.push_back(waiting),
        }
    }

    /// The job that has waited longest.
    fn longest(&self) -> Option<&PrefetchedJob> {
        self.waiting.iter().min_by_key(|waiting| waiting.since)
    }

    /// Returns whether half of the jobs to prefetch have begun.
    fn runs_low(&self) -> bool {
        self.waiting.len() < self.target.div_ceil(2)
    }

    /// Returns how many jobs to prefetch, by the recent pace.
    fn measured_target(&mut self, horizon: Duration) -> usize {
        let lasted = self.sampled_at.elapsed();
        if lasted >= SAMPLE {
            let pace = f64::from(self.ended) / lasted.as_secs_f64();
            // The previous pace has a weight of one half, so that one slow statement does not end prefetching.
            self.pace = f64::midpoint(self.pace, pace);
            (self.ended, self.sampled_at) = (0, Instant::now());
        }
        let target = std::cmp::min(MOST, count(self.pace * horizon.as_secs_f64()));
        if target < FEWEST { 0 } else { target }
    }
}

/// A number of jobs, rounded down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive number"
)]
fn count(jobs: f64) -> usize {
    jobs.clamp(0.0, 1e6) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_pace(ended: u32, in_the_last: Duration) -> Prefetched {
        let prefetched = Prefetched::default();
        prefetched.next(Some("q"), |_, _| None);
        let mut state = prefetched.state();
        let ahead = state.queues.get_mut("q").unwrap();
        ahead.ended = ended;
        ahead.sampled_at = ahead.sampled_at.checked_sub(in_the_last).unwrap();
        drop(state);
        prefetched
    }

    #[test]
    fn as_many_are_wanted_ahead_as_end_in_the_time_of_a_few_fetches() {
        let second = Duration::from_secs(1);
        let wanted = |ended: u32, round_trip: u64| {
            let prefetched = at_pace(ended, second);
            prefetched.fetched_in(Duration::from_millis(round_trip));
            prefetched.wanted("q", 7, true)
        };
        // Half of 10,000 a second, because there was no pace before, is 100 in four times 5 ms.
        assert!((90..=107).contains(&wanted(10_000, 5)), "{}", wanted(10_000, 5));
        assert!(
            (200..=257).contains(&wanted(10_000, 100)),
            "a slow database is no reason for more"
        );
        assert_eq!(wanted(10_000_000, 5), MOST + 7);
        assert_eq!(wanted(100, 5), 7, "few are not worth it");
        assert_eq!(Prefetched::default().wanted("q", 7, true), 7);
        assert_eq!(at_pace(10_000, second).wanted("q", 7, false), 7);
    }

    #[test]
    fn jobs_that_take_much_longer_than_a_fetch_are_not_fetched_ahead() {
        // 25 permits and jobs of 100 ms: a prefetched job would wait for a permit here, and not run elsewhere.
        let prefetched = at_pace(500, Duration::from_secs(1));
        prefetched.fetched_in(Duration::from_millis(4));
        assert_eq!(prefetched.wanted("q", 25, true), 25);
    }

    #[test]
    fn one_slow_fetch_counts_for_little() {
        let prefetched = Prefetched::default();
        prefetched.fetched_in(Duration::from_millis(2));
        prefetched.fetched_in(Duration::from_millis(10));
        assert_eq!(prefetched.state().round_trip, Duration::from_millis(4));
    }
}
