//! From where on the index is read.
//!
//! The index of what is due begins with entries of jobs that are done. They are skipped cheaply only when
//! every snapshot that could still see them is gone; a long transaction, a replica or a slow vacuum keeps
//! them, and each fetch would wade through all of them again. So a process remembers, for each queue and
//! priority, the last row of the last claim, its *floor*, and reads from there on: before it, everything
//! was running, locked, not committed yet, or of a kind that it does not run. It is the last row and not the
//! first, because what was claimed would only be read past once more, and among several processes all that
//! the others have claimed in between as well.
//!
//! It is an optimisation, and may be wrong. Three rules bound what that can cost:
//!
//! - Whatever becomes pending is due at `greatest(now(), …)`, so it lies behind every floor but one that is
//!   too close to the present. Therefore a floor stays [`MARGIN`] behind the database's `now()`: of two
//!   transactions that enqueue, the one that began first may commit last.
//! - A *sweep* reads without floors. It is made at the start, and then so often that it takes a hundredth of
//!   the time, but at least every [`LONGEST_BETWEEN_SWEEPS`]: next to always while there is nothing to wade
//!   through.
//!   What it finds below a floor takes the floor along, so that the rest of a large transaction follows at once.
//!   It is made after a fetch that failed, too: what that one had locked waits again where it was, and is
//!   passed by whoever came by meanwhile. In a backlog it alone tries rows that somebody has touched.
//! - Each set of kinds that is fetched together has floors of its own, so those of one that is at its limit
//!   are not passed by those of another.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::store::{Demand, DemandedShare, Fetched, FetchedJob, LaneFloor};

/// Longer than most transactions that enqueue take, those of half a second among them. In a backlog, where
/// wading is dear, it costs nothing.
const MARGIN: TimeDelta = TimeDelta::milliseconds(600);

/// A sweep is due when so many times of what the last one took have passed.
const SWEEP_SHARE: u32 = 100;
const LONGEST_BETWEEN_SWEEPS: Duration = Duration::from_secs(30);

/// So many priorities of a queue are remembered. Others are found anew by each fetch.
const MOST_LANES: usize = 32;

/// What one process knows of the queues it serves.
#[derive(Debug)]
pub(super) struct Floors {
    lanes: HashMap<ShareKey, Vec<LaneFloor>>,
    next_sweep: Instant,
}

/// How a fetch read the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// Without floors.
    pub(super) swept: bool,
    /// With a try of the rows that others have touched, which else are passed by.
    pub(super) careful: bool,
}

/// Kinds of a queue that are fetched together.
type ShareKey = (String, Option<Vec<&'static str>>);

impl Floors {
    pub(super) fn new() -> Self {
        Self { lanes: HashMap::new(), next_sweep: Instant::now() }
    }

    /// Writes the floors into a demand, unless a sweep is due; whether they were.
    pub(super) fn apply(&self, demands: &mut [Demand]) -> bool {
        if Instant::now() >= self.next_sweep {
            return false;
        }
        for demand in demands {
            for share in &mut demand.shares {
                if let Some(lanes) = self.lanes.get(&key(&demand.queue, share)) {
                    share.floors.clone_from(lanes);
                    demand.priorities.extend(lanes.iter().map(|lane| lane.priority));
                }
            }
            demand.priorities.sort_unstable();
            demand.priorities.dedup();
        }
        true
    }

    /// Takes in what a fetch brought that took so long.
    pub(super) fn learn(
        &mut self,
        demands: &[Demand],
        fetched: &Fetched,
        took: Duration,
        Reading { swept, careful }: Reading,
    ) {
        if swept {
            let pause = std::cmp::min(took * SWEEP_SHARE, LONGEST_BETWEEN_SWEEPS);
            self.next_sweep = Instant::now() + pause;
        }
        for demand in demands {
            for share in &demand.shares {
                let claimed = fetched
                    .of_queue(&demand.queue)
                    .filter(|fetched| share.takes(fetched.job.kind()));
                let lanes = self.lanes.entry(key(&demand.queue, share)).or_default();
                move_to_claimed(lanes, claimed, fetched.now - MARGIN, swept);
                if careful && !fetched.stopped_by_limit(demand) {
                    raise_all(lanes, fetched.lanes_of(&demand.queue), fetched.now - MARGIN);
                }
            }
        }
    }

    /// The next fetch is a sweep: what became of the last one is not known.
    pub(super) fn doubt(&mut self) {
        self.next_sweep = Instant::now();
    }

    /// How long until the next sweep is due.
    pub(super) fn until_sweep(&self) -> Duration {
        self.next_sweep.saturating_duration_since(Instant::now())
    }
}

/// Moves the floor of each priority to the last row that was claimed of it; they come in order.
fn move_to_claimed<'f>(
    lanes: &mut Vec<LaneFloor>,
    claimed: impl Iterator<Item = &'f FetchedJob>,
    latest: DateTime<Utc>,
    swept: bool,
) {
    let claimed: Vec<(i16, DateTime<Utc>, Uuid)> = claimed
        .filter_map(|fetched| Some((fetched.priority, fetched.job.run_at?, fetched.job.id)))
        .collect();
    for of_priority in claimed.chunk_by(|a, b| a.0 == b.0) {
        let Some(&(priority, run_at, id)) = of_priority.last() else { continue };
        let floor = match run_at < latest {
            true => LaneFloor { priority, run_at, id },
            false => LaneFloor { priority, run_at: latest, id: Uuid::nil() },
        };
        let before = lanes.iter().position(|lane| lane.priority == priority);
        let floor = match before.map(|at| lanes.remove(at)) {
            // What a sweep finds below the floor has more behind it, which is not to wait for the next.
            Some(before) if !swept && is_later(&before, &floor) => before,
            _ => floor,
        };
        // The one that was claimed of most lately stands last.
        lanes.push(floor);
    }
    forget_surplus(lanes);
}

/// A careful fetch that permits did not stop has read every priority to its end: nothing due is left of them. So
/// they are not read again from their beginning either where only others' kinds wait.
fn raise_all(lanes: &mut Vec<LaneFloor>, priorities: &[i16], run_at: DateTime<Utc>) {
    for &priority in priorities {
        let end = LaneFloor { priority, run_at, id: Uuid::nil() };
        match lanes.iter_mut().find(|lane| lane.priority == priority) {
            Some(lane) if is_later(lane, &end) => {}
            Some(lane) => *lane = end,
            None => lanes.insert(0, end),
        }
    }
    forget_surplus(lanes);
}

fn is_later(a: &LaneFloor, b: &LaneFloor) -> bool {
    (a.run_at, a.id) > (b.run_at, b.id)
}

/// Those that were claimed of least lately go first.
fn forget_surplus(lanes: &mut Vec<LaneFloor>) {
    let surplus = lanes.len().saturating_sub(MOST_LANES);
    lanes.drain(..surplus);
}

fn key(queue: &str, share: &DemandedShare) -> ShareKey {
    (queue.to_owned(), share.kinds.clone())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;

    use super::*;
    use crate::row::{Claim, Job, Lease};

    /// Seconds after a beginning; `now` is the hundredth.
    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + second, 0).unwrap()
    }

    fn claimed(priority: i16, second: i64, id: u128) -> FetchedJob {
        let mut job = Job::new("q", Value::Null);
        (job.id, job.run_at) = (Uuid::from_u128(id), Some(at(second)));
        let claim = Claim {
            lease: Lease { job_id: job.id, worker_id: Uuid::nil(), number: 1 },
            timeout: None,
            reprocess_count: 0,
            crash_count: 0,
            expired: false,
            run: Arc::default(),
        };
        FetchedJob { job, claim, priority, max_attempts: None }
    }

    fn lane(priority: i16, second: i64, id: u128) -> LaneFloor {
        LaneFloor { priority, run_at: at(second), id: Uuid::from_u128(id) }
    }

    /// The lanes after a claim of these, at the hundredth second.
    fn after(mut lanes: Vec<LaneFloor>, jobs: &[FetchedJob], swept: bool) -> Vec<LaneFloor> {
        move_to_claimed(&mut lanes, jobs.iter(), at(100) - MARGIN, swept);
        lanes
    }

    #[test]
    fn a_floor_is_the_last_row_that_was_claimed_of_its_priority() {
        let jobs = [claimed(0, 10, 1), claimed(0, 10, 2), claimed(3, 5, 3), claimed(3, 20, 4)];
        assert_eq!(after(Vec::new(), &jobs, false), [lane(0, 10, 2), lane(3, 20, 4)]);
    }

    #[test]
    fn a_floor_stays_behind_the_present_whatever_was_claimed() {
        let jobs = [claimed(0, 10, 1), claimed(0, 100, 2)];
        let latest = LaneFloor { run_at: at(100) - MARGIN, ..lane(0, 0, 0) };
        assert_eq!(after(Vec::new(), &jobs, false), [latest]);
    }

    #[test]
    fn a_floor_goes_back_only_for_what_a_sweep_found_below_it() {
        let (before, jobs) = (lane(0, 50, 9), [claimed(0, 10, 1), claimed(0, 20, 2)]);
        assert_eq!(after(vec![before], &jobs, false), [before]);
        assert_eq!(after(vec![before], &jobs, true), [lane(0, 20, 2)]);
    }

    #[test]
    fn a_fetch_that_failed_is_followed_by_a_sweep() {
        let mut floors = Floors::new();
        floors.next_sweep = Instant::now() + LONGEST_BETWEEN_SWEEPS;
        assert!(floors.apply(&mut []));
        floors.doubt();
        assert!(!floors.apply(&mut []), "it reads without floors");
    }
}
