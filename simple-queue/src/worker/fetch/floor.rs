//! Where fetches begin to read the index.
//!
//! The index of due jobs begins with the entries of finished jobs. They are skipped cheaply only when every snapshot
//! that could still see them is gone. A long transaction, a replica or a slow vacuum keeps them, and then each fetch
//! would read through all of them again. So a process remembers, for each queue and priority, the last row of its last
//! claim, the *floor*, and reads from there on. Rows before it were running, locked, not yet committed, or of a kind
//! that this process does not run. The floor is the last claimed row and not the first, because the next fetch would
//! only read past the claimed rows, and among several processes past all rows that the others have claimed in between
//! as well.
//!
//! A floor is an optimisation and may be wrong. Four rules bound the cost of that:
//!
//! - A row that becomes pending is due at `greatest(now(), …)`, so it lies behind every floor that is not too close to
//!   the present. Therefore a floor stays [`MARGIN`] behind the database's `now()`: of two transactions that enqueue,
//!   the one that began first may commit last.
//! - [Sweeps](super::sweep) search below the floors, beside the fetches. The jobs that they find lower the floor, where
//!   many jobs wait, or are claimed by their ids.
//! - A fetch never begins where many entries may lie before the first due job. A lane that was not read for five
//!   seconds, or never, is swept first, as long as that is cheap. Otherwise its floor is the present, and sweeps go on
//!   below it.
//! - Each set of kinds that is fetched together has floors of its own. So the jobs of a set that is at its limit are
//!   not overtaken by those of another.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Instant,
};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::lane::{Lane, LaneBelow, ShareKey, ShareLanes};
use crate::{
    queue::served::Served,
    store::{Demand, DemandedShare, Fetched, MARGIN, Position},
};

/// 64, upper bound of the unknown priorities that one fetch looks for.
const PROBES: usize = 64;

/// What one process knows about the queues that it serves.
#[derive(Debug)]
pub(in crate::worker) struct Floors {
    shares: HashMap<ShareKey, ShareLanes>,
    /// The priority after which the next fetch probes a queue that has more priorities than are remembered.
    probed: HashMap<String, i32>,
    /// Whether fetches probe for more priorities. They stop after a fetch that took too long, until a sweep has probed.
    pub(in crate::worker) probes: bool,
    /// Jobs below the floors, to be claimed by their ids.
    found: VecDeque<Found>,
    /// The database's time at the last fetch.
    now: Option<DateTime<Utc>>,
    /// A sweep has lowered a floor since the last fetch.
    is_lowered: bool,
}

#[derive(Debug, Clone)]
pub(in crate::worker) struct Found {
    pub(in crate::worker) share: ShareKey,
    pub(in crate::worker) id: Uuid,
}

impl Floors {
    pub(in crate::worker) fn new() -> Self {
        Self {
            shares: HashMap::new(),
            probed: HashMap::new(),
            probes: true,
            found: VecDeque::new(),
            now: None,
            is_lowered: false,
        }
    }

    /// Adds the lanes of a demand, for the priorities with which its jobs are declared.
    pub(in crate::worker) fn expect(&mut self, demand: &Demand, priorities: &[i16]) {
        for share in &demand.shares {
            let known = self.shares.entry(key(&demand.queue, share)).or_default();
            known.excluded.clone_from(&share.excluded);
            for &priority in priorities {
                known.pin(priority);
            }
        }
    }

    /// Adds a priority that is in use but that fetches do not find, because many dead entries lie before its jobs.
    pub(in crate::worker) fn pin(&mut self, queue: &str, priority: i16) {
        for ((of_queue, _), share) in &mut self.shares {
            if of_queue == queue {
                share.pin(priority);
            }
        }
    }

    /// Writes the floors into the demands. Returns whether some lane has to be swept first.
    pub(in crate::worker) fn apply(&self, demands: &mut [Demand]) -> bool {
        let mut is_stale = false;
        for demand in demands {
            demand.priorities.clear();
            for share in &mut demand.shares {
                let Some(known) = self.shares.get(&key(&demand.queue, share)) else { continue };
                is_stale |= known.lanes.iter().any(Lane::is_stale);
                share.floors = known.lanes.iter().map(Lane::demanded).collect();
                demand.priorities.extend(known.lanes.iter().map(|lane| lane.priority));
            }
            demand.priorities.sort_unstable();
            demand.priorities.dedup();
            demand.probe_after = self.probed.get(&demand.queue).copied().unwrap_or(BEFORE_ALL);
            demand.probes = if self.probes { PROBES } else { 0 };
        }
        is_stale
    }

    /// Records the result of a fetch. Returns whether some queue has more priorities than the fetch probed.
    pub(in crate::worker) fn learn(
        &mut self,
        demands: &[Demand],
        fetched: &Fetched,
        include_touched: bool,
    ) -> bool {
        let latest = fetched.now - MARGIN;
        let mut has_more_lanes = false;
        self.now = Some(fetched.now);
        for demand in demands {
            let lanes = fetched.lanes_of(&demand.queue);
            let passed_over = fetched.passed_over(demand);
            for (place, share) in demand.shares.iter().enumerate() {
                let claimed = fetched
                    .of_queue(&demand.queue)
                    .filter(|fetched| share.takes(fetched.job.kind()));
                let known = self.shares.entry(key(&demand.queue, share)).or_default();
                known.move_to_claimed(claimed, latest, &share.floors);
                if include_touched && !fetched.stopped_by_limit(demand) {
                    known.raise_all(lanes, latest, &share.floors);
                }
                // The backlog of other kinds must not be read again and again for kinds that have no jobs.
                let passed = passed_over.iter().filter(|(passed, _)| *passed == place);
                let passed: Vec<i16> = passed.map(|&(_, priority)| priority).collect();
                known.raise_all(&passed, latest, &share.floors);
                known.forget_surplus();
            }
            let mut unknown = lanes.iter().filter(|lane| !demand.priorities.contains(lane));
            if demand.probes == 0 || unknown.clone().count() < demand.probes {
                self.probed.remove(&demand.queue)
            } else {
                unknown
                    .next_back()
                    .and_then(|&last| self.probed.insert(demand.queue.clone(), last.into()))
            };
            has_more_lanes |= self.probed.contains_key(&demand.queue);
        }
        has_more_lanes
    }

    /// Records that a look has read these lanes to their ends and found nothing due. Returns whether that is so below
    /// the floors too, as far as it is known.
    pub(in crate::worker) fn looked(&mut self, demands: &[Demand], now: DateTime<Utc>) -> bool {
        let mut is_empty = true;
        for demand in demands {
            for share in &demand.shares {
                let key = key(&demand.queue, share);
                is_empty &= self.found.iter().all(|found| found.share != key);
                if let Some(known) = self.shares.get_mut(&key) {
                    known.raise_all(&demand.priorities, now - MARGIN, &share.floors);
                }
            }
        }
        is_empty
    }

    /// Called after the server ended a fetch that took too long: from now on only the present is read, and only known
    /// priorities.
    pub(in crate::worker) fn read_present_only(&mut self) {
        self.probes = false;
        self.probed.clear();
        for lane in self.lanes_mut() {
            (lane.floor, lane.read_at) = (None, Some(Instant::now()));
        }
    }

    /// Called when results of fetches may have been wrong: each lane is swept before it is read again.
    pub(in crate::worker) fn mark_stale(&mut self) {
        for lane in self.lanes_mut() {
            lane.read_at = None;
        }
    }

    /// Moves to the present the lanes that had to be swept first and were not swept in time.
    pub(in crate::worker) fn skip_stale(&mut self) {
        for lane in self.lanes_mut().filter(|lane| lane.is_stale()) {
            (lane.floor, lane.read_at) = (None, Some(Instant::now()));
        }
    }

    /// Returns what to sweep: the lanes below their floors.
    pub(in crate::worker) fn below(&self) -> Vec<LaneBelow> {
        let of_share = |(share, known): (&ShareKey, &ShareLanes)| {
            let below = |lane: &Lane| LaneBelow {
                share: share.clone(),
                excluded: known.excluded.clone(),
                priority: lane.priority,
                until: lane.floor.filter(|_| !lane.is_stale()),
            };
            known.lanes.iter().map(below).collect::<Vec<_>>()
        };
        self.shares.iter().flat_map(of_share).collect()
    }

    /// Records that a sweep has read a lane from its beginning to its floor, with the first job that it found. Returns
    /// whether the floor went down.
    pub(in crate::worker) fn swept(
        &mut self,
        below: &LaneBelow,
        first: Option<Position>,
        now: DateTime<Utc>,
    ) -> bool {
        let present = Position { run_at: now - MARGIN, id: Uuid::nil() };
        let Some(lane) = self.lane_mut(below) else { return false };
        let before = lane.floor;
        lane.floor = match (first, before) {
            (Some(first), _) => Some(first),
            // The lane was read up to the present.
            (None, floor) if below.until.is_none() => {
                Some(floor.map_or(present, |floor| std::cmp::max(floor, present)))
            }
            (None, floor) => floor,
        };
        lane.read_at = Some(Instant::now());
        let is_lowered = first.is_some() && lane.floor != before;
        self.is_lowered |= is_lowered;
        is_lowered
    }

    /// Records that many jobs wait in a lane from this position on. Returns whether its floor went down.
    pub(in crate::worker) fn lower(&mut self, below: &LaneBelow, first: Position) -> bool {
        let Some(lane) = self.lane_mut(below) else { return false };
        let before = lane.floor;
        lane.floor = Some(before.map_or(first, |floor| std::cmp::min(floor, first)));
        let is_lowered = lane.floor != before;
        self.is_lowered |= is_lowered;
        is_lowered
    }

    /// Returns whether the next fetch reads rows that a sweep has found. Another session may have touched them, so the
    /// fetch has to try touched rows.
    pub(in crate::worker) fn take_lowered(&mut self) -> bool {
        std::mem::take(&mut self.is_lowered)
    }

    /// Adds jobs that are to be claimed by their ids. Returns whether some were unknown.
    pub(in crate::worker) fn found(
        &mut self,
        share: &ShareKey,
        ids: impl Iterator<Item = Uuid>,
    ) -> bool {
        /// 10,000, upper bound of the jobs to claim by id. Later sweeps find those beyond it.
        const MOST: usize = 10_000;
        let known: HashSet<Uuid> = self.found.iter().map(|found| found.id).collect();
        let room = MOST.saturating_sub(self.found.len());
        let new = ids.filter(|id| !known.contains(id)).take(room);
        let before = self.found.len();
        self.found.extend(new.map(|id| Found { share: share.clone(), id }));
        self.found.len() > before
    }

    /// Forgets shares that are no longer served, such as those from before a registration.
    pub(in crate::worker) fn retain(&mut self, served: &[Served]) {
        let is_served = |share: &ShareKey| {
            served.iter().any(|of_queue| {
                of_queue.queue == share.0
                    && of_queue.shares.iter().any(|served| served.kinds == share.1)
            })
        };
        let shares: usize = served.iter().map(|of_queue| of_queue.shares.len()).sum();
        if self.shares.len() > shares {
            self.shares.retain(|share, _| is_served(share));
            self.found.retain(|found| is_served(&found.share));
        }
    }

    /// Takes the jobs below the floors for which there are permits.
    pub(in crate::worker) fn take_found(&mut self, demands: &[Demand], limit: usize) -> Vec<Uuid> {
        if self.found.is_empty() {
            return Vec::new();
        }
        let mut of_queue: HashMap<&str, usize> =
            demands.iter().map(|demand| (demand.queue.as_str(), demand.permits)).collect();
        let mut of_share: HashMap<ShareKey, usize> = demands
            .iter()
            .flat_map(|demand| {
                demand.shares.iter().map(|share| (key(&demand.queue, share), share.permits))
            })
            .collect();
        let (mut ids, mut rest) = (Vec::new(), VecDeque::new());
        for found in std::mem::take(&mut self.found) {
            let queue = of_queue.get_mut(found.share.0.as_str());
            let share = of_share.get_mut(&found.share);
            match (queue, share) {
                (Some(queue), Some(share)) if *queue > 0 && *share > 0 && ids.len() < limit => {
                    (*queue, *share) = (*queue - 1, *share - 1);
                    ids.push(found.id);
                }
                _ => rest.push_back(found),
            }
        }
        self.found = rest;
        ids.sort_unstable();
        ids
    }

    /// The position at which the present begins, once a fetch has told the time.
    pub(in crate::worker) fn present(&self) -> Option<Position> {
        self.now.map(|now| Position { run_at: now - MARGIN, id: Uuid::nil() })
    }

    /// The known priorities of each queue.
    pub(in crate::worker) fn known(&self) -> HashMap<String, Vec<i16>> {
        let mut known: HashMap<String, Vec<i16>> = HashMap::new();
        for ((queue, _), share) in &self.shares {
            let priorities = known.entry(queue.clone()).or_default();
            priorities.extend(share.lanes.iter().map(|lane| lane.priority));
            priorities.sort_unstable();
            priorities.dedup();
        }
        known
    }

    fn lane_mut(&mut self, below: &LaneBelow) -> Option<&mut Lane> {
        self.shares.get_mut(&below.share)?.lane_mut(below.priority)
    }

    fn lanes_mut(&mut self) -> impl Iterator<Item = &mut Lane> {
        self.shares.values_mut().flat_map(|share| &mut share.lanes)
    }
}

/// A number below every priority.
pub(in crate::worker) const BEFORE_ALL: i32 = i16::MIN as i32 - 1;

fn key(queue: &str, share: &DemandedShare) -> ShareKey {
    (queue.to_owned(), share.kinds.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LaneFloor;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + second, 0).unwrap()
    }

    fn demand() -> Demand {
        let share = DemandedShare { permits: 5, kinds: None, excluded: vec![], floors: vec![] };
        Demand {
            queue: "q".to_owned(),
            permits: 5,
            priorities: vec![],
            probe_after: BEFORE_ALL,
            probes: 0,
            shares: vec![share],
        }
    }

    #[test]
    fn a_look_that_finds_nothing_is_not_repeated_from_the_beginning() {
        let (mut floors, mut demands) = (Floors::new(), [demand()]);
        floors.expect(&demands[0], &[0]);
        floors.apply(&mut demands);
        assert!(floors.looked(&demands, at(100)));
        floors.apply(&mut demands);
        let floor = demands[0].shares[0].floors[0];
        assert_eq!(floor.at.map(|at| at.run_at), Some(at(100) - MARGIN));
        let below = floors.below();
        floors.found(&below[0].share, [Uuid::nil()].into_iter());
        assert!(!floors.looked(&demands, at(101)), "a sweep found one below it");
    }

    #[test]
    fn a_lane_that_was_never_read_is_swept_first_and_then_begins_where_jobs_wait() {
        let first = Position { run_at: at(3), id: Uuid::nil() };
        let (mut floors, mut demands) = (Floors::new(), [demand()]);
        floors.expect(&demands[0], &[0]);
        assert!(floors.apply(&mut demands), "it is stale");
        let below = floors.below();
        assert_eq!(below[0].until, None, "as far as the present");
        floors.swept(&below[0], Some(first), at(100));
        assert!(!floors.apply(&mut demands));
        assert_eq!(demands[0].shares[0].floors, [LaneFloor { priority: 0, at: Some(first) }]);
        floors.read_present_only();
        assert!(!floors.apply(&mut demands));
        assert_eq!(demands[0].shares[0].floors[0].at, None, "the present");
        assert_eq!(demands[0].probes, 0);
        floors.mark_stale();
        assert!(floors.apply(&mut demands), "what was learnt may be wrong");
    }
}
