//! How queues with weights share the permits of their process: by deficit round robin.
//!
//! Queues compete if their last fetch left jobs over. Of each claim a competing queue is due a part by its weight. What
//! it got less than that is its credit for the next ones, and what it got more its debt. A queue that leaves nothing
//! over does not compete: it gets what it needs, and keeps neither credit nor debt.

use std::{cmp::min, collections::HashMap};

use crate::store::Demand;

/// The turns of the queues.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// The credit of each competing queue, in jobs.
    credits: HashMap<String, f64>,
}

/// What a fetch claimed of a queue.
pub(super) struct Claimed<'d> {
    pub(super) queue: &'d str,
    pub(super) jobs: usize,
    /// Whether it left jobs over; `None`: unknown, because the fetch did not come to it.
    pub(super) left_more: Option<bool>,
}

impl Turns {
    /// Returns whether more than one queue has more jobs than permits.
    pub(super) fn compete(&self) -> bool {
        self.credits.len() > 1
    }

    /// Divides the free permits among the competing queues, the one to which most is due first. The others come before
    /// them. Returns whether some were left out.
    pub(super) fn divide(
        &self,
        demands: &mut Vec<Demand>,
        free: usize,
        weight: impl Fn(&str) -> u32,
    ) -> bool {
        let sum = self.sum_of_weights(&weight);
        let due = |demand: &Demand| {
            let credit = self.credits.get(&demand.queue)?;
            Some(part(free, weight(&demand.queue), sum) + credit)
        };
        let mut competing: Vec<(f64, Demand)> = Vec::new();
        for demand in std::mem::take(demands) {
            match due(&demand) {
                Some(due) => competing.push((due, demand)),
                None => demands.push(demand),
            }
        }
        competing.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let wanted: Vec<usize> = competing.iter().map(|(_, demand)| demand.permits).collect();
        let mut rest = free;
        for (due, demand) in &mut competing {
            demand.permits = min(min(whole(*due), demand.permits), rest);
            rest -= demand.permits;
        }
        // What is not a whole number, and what a queue cannot use, goes to the first that can.
        for ((_, demand), wanted) in competing.iter_mut().zip(wanted) {
            let more = min(wanted - demand.permits, rest);
            demand.permits += more;
            rest -= more;
        }
        let before = competing.len();
        competing.retain(|(_, demand)| demand.permits > 0);
        let leaves_out = competing.len() < before;
        demands.extend(competing.into_iter().map(|(_, demand)| demand));
        leaves_out
    }

    /// Records what a fetch claimed. No credit is above `most`.
    pub(super) fn claimed(
        &mut self,
        claimed: &[Claimed<'_>],
        most: usize,
        weight: impl Fn(&str) -> u32,
    ) {
        for Claimed { queue, left_more, .. } in claimed {
            match left_more {
                Some(true) => {
                    self.credits.entry((*queue).to_owned()).or_default();
                }
                Some(false) => {
                    self.credits.remove(*queue);
                }
                None => {}
            }
        }
        let sum = self.sum_of_weights(&weight);
        let jobs_of = |queue: &str| {
            claimed.iter().find(|claimed| claimed.queue == queue).map_or(0, |claimed| claimed.jobs)
        };
        let all: usize = self.credits.keys().map(|queue| jobs_of(queue)).sum();
        let most = float(most);
        for (queue, credit) in &mut self.credits {
            let due = part(all, weight(queue), sum);
            *credit = (*credit + due - float(jobs_of(queue))).clamp(-most, most);
        }
    }

    fn sum_of_weights(&self, weight: &impl Fn(&str) -> u32) -> f64 {
        self.credits.keys().map(|queue| f64::from(weight(queue))).sum()
    }
}

fn part(of: usize, weight: u32, sum: f64) -> f64 {
    float(of) * f64::from(weight) / sum
}

#[expect(clippy::cast_precision_loss, reason = "a number of jobs")]
fn float(jobs: usize) -> f64 {
    jobs as f64
}

/// The whole jobs in it; 0 for a debt.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of jobs, not below 0"
)]
fn whole(jobs: f64) -> usize {
    jobs.max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::fetch::floor::BEFORE_ALL;

    const WEIGHTS: [(&str, u32); 3] = [("a", 1), ("b", 3), ("c", 6)];

    fn weight(queue: &str) -> u32 {
        WEIGHTS.iter().find(|(name, _)| *name == queue).map_or(1, |(_, weight)| *weight)
    }

    fn demand(queue: &str, permits: usize) -> Demand {
        Demand {
            queue: queue.to_owned(),
            permits,
            priorities: Vec::new(),
            probe_after: BEFORE_ALL,
            probes: 0,
            shares: Vec::new(),
        }
    }

    /// Plays fetches with random numbers of free permits, where each queue has so many jobs. Returns how many of each
    /// were claimed.
    fn play(waiting: [usize; 3], fetches: usize, most_free: usize) -> [usize; 3] {
        let mut random = fastrand::Rng::with_seed(1);
        let (mut turns, mut left, mut done) = (Turns::default(), waiting, [0; 3]);
        for _ in 0..fetches {
            let free = random.usize(1..=most_free);
            let mut demands: Vec<Demand> =
                WEIGHTS.iter().map(|(queue, _)| demand(queue, free)).collect();
            turns.divide(&mut demands, free, weight);
            let mut rest = free;
            let mut claimed = Vec::new();
            for demand in &demands {
                let at = WEIGHTS.iter().position(|(queue, _)| *queue == demand.queue).unwrap();
                let jobs = min(min(demand.permits, rest), left[at]);
                let reached = rest > 0;
                (rest, left[at], done[at]) = (rest - jobs, left[at] - jobs, done[at] + jobs);
                let left_more = (reached || jobs >= demand.permits)
                    .then(|| jobs >= demand.permits || (rest == 0 && left[at] > 0));
                claimed.push(Claimed { queue: &demand.queue, jobs, left_more });
            }
            turns.claimed(&claimed, 100, weight);
        }
        done
    }

    #[test]
    fn competing_queues_get_parts_by_their_weights() {
        for most_free in [1, 2, 7, 100] {
            let done = play([1_000_000; 3], 5_000, most_free);
            let all: usize = done.iter().sum();
            for ((queue, weight), done) in WEIGHTS.iter().zip(done) {
                let share = float(done) / float(all) * 10.0 / f64::from(*weight);
                assert!((0.95..=1.05).contains(&share), "{queue} got {share} of its part");
            }
        }
    }

    #[test]
    fn nothing_is_kept_for_a_queue_that_has_no_jobs() {
        let done = play([1_000_000, 0, 1_000_000], 5_000, 5);
        let share = float(done[0]) / float(done[0] + done[2]);
        assert!((0.135..=0.15).contains(&share), "{share}, not a seventh");
        let done = play([1_000_000, 0, 500], 5_000, 5);
        assert!(done[0] > 10_000 && done[2] == 500, "{done:?}");
    }
}
