//! A lane: the jobs of one priority, and the floor from which they are read.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::store::{FetchedJob, LaneFloor, Position};

/// 5 s without a read, after which a lane is swept before it is read.
const STALE: Duration = Duration::from_secs(5);

/// 64, upper bound of the remembered priorities of a queue. Every fetch rediscovers the others.
const MOST_LANES: usize = 64;

/// Kinds of a queue that are fetched together; `None`: all except the excluded.
pub(in crate::worker) type ShareKey = (String, Option<Vec<&'static str>>);

#[derive(Debug, Default)]
pub(super) struct ShareLanes {
    pub(super) excluded: Vec<Cow<'static, str>>,
    pub(super) lanes: Vec<Lane>,
}

/// The jobs of one priority within a share.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lane {
    pub(super) priority: i16,
    /// `None`: the present.
    pub(super) floor: Option<Position>,
    /// When little was last known to lie between the floor and the first due job; `None`: never.
    pub(super) read_at: Option<Instant>,
    /// Never forgotten: its jobs are declared here, or are expensive to find.
    pinned: bool,
}

/// A lane, for a sweep below its floor.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::worker) struct LaneBelow {
    pub(in crate::worker) share: ShareKey,
    pub(in crate::worker) excluded: Vec<Cow<'static, str>>,
    pub(in crate::worker) priority: i16,
    /// The floor; `None`: the present.
    pub(in crate::worker) until: Option<Position>,
}

impl ShareLanes {
    pub(super) fn pin(&mut self, priority: i16) {
        match self.lane_mut(priority) {
            Some(lane) => lane.pinned = true,
            None => self.lanes.insert(0, Lane { pinned: true, ..Lane::unread(priority) }),
        }
    }

    /// Moves the floor of each priority to its last claimed row; the rows come in order. A floor that a sweep has
    /// lowered in the meantime stays.
    pub(super) fn move_to_claimed<'f>(
        &mut self,
        claimed: impl Iterator<Item = &'f FetchedJob>,
        latest: DateTime<Utc>,
        demanded: &[LaneFloor],
    ) {
        let claimed: Vec<(i16, Position)> = claimed
            .filter_map(|fetched| {
                let job = &fetched.job;
                Some((fetched.priority, Position { run_at: job.run_at?, id: job.id }))
            })
            .collect();
        let latest = Position { run_at: latest, id: Uuid::nil() };
        for of_priority in claimed.chunk_by(|a, b| a.0 == b.0) {
            let Some(&(priority, last)) = of_priority.last() else { continue };
            let mut lane = self.take(priority);
            lane.raise(std::cmp::min(last, latest), demanded);
            // Most recently used last.
            self.lanes.push(lane);
        }
    }

    /// Raises the floors of these priorities to the end, which a fetch has read. This keeps priorities in which only
    /// other kinds wait from being read from their beginning again. A row that the fetch skipped, because another
    /// session had touched it, is left to the sweeps.
    pub(super) fn raise_all(
        &mut self,
        priorities: &[i16],
        latest: DateTime<Utc>,
        demanded: &[LaneFloor],
    ) {
        let end = Position { run_at: latest, id: Uuid::nil() };
        for &priority in priorities {
            match self.lane_mut(priority) {
                Some(lane) => lane.raise(end, demanded),
                None => {
                    let mut lane = Lane::unread(priority);
                    lane.raise(end, demanded);
                    self.lanes.insert(0, lane);
                }
            }
        }
    }

    pub(super) fn lane_mut(&mut self, priority: i16) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.priority == priority)
    }

    fn take(&mut self, priority: i16) -> Lane {
        let place = self.lanes.iter().position(|lane| lane.priority == priority);
        place.map_or_else(|| Lane::unread(priority), |place| self.lanes.remove(place))
    }

    /// Evicts the least recently used lanes.
    pub(super) fn forget_surplus(&mut self) {
        let mut surplus = self.lanes.len().saturating_sub(MOST_LANES);
        self.lanes.retain(|lane| {
            let stays = lane.pinned || surplus == 0;
            surplus -= usize::from(!stays);
            stays
        });
    }
}

impl Lane {
    const fn unread(priority: i16) -> Self {
        Self { priority, floor: None, read_at: None, pinned: false }
    }

    pub(super) fn is_stale(&self) -> bool {
        self.read_at.is_none_or(|at| at.elapsed() > STALE)
    }

    pub(super) fn demanded(&self) -> LaneFloor {
        LaneFloor { priority: self.priority, at: self.floor }
    }

    /// Records that a fetch, which began at the demanded floors, has read the lane up to this position.
    fn raise(&mut self, to: Position, demanded: &[LaneFloor]) {
        self.read_at = Some(Instant::now());
        let began = demanded.iter().find(|floor| floor.priority == self.priority);
        let is_the_same = began.is_none_or(|floor| floor.at == self.floor);
        if is_the_same && self.floor.is_none_or(|floor| floor < to) {
            self.floor = Some(to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MARGIN;

    /// Seconds after a fixed time; `now` is the hundredth second.
    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + second, 0).unwrap()
    }

    fn place(second: i64, id: u128) -> Position {
        Position { run_at: at(second), id: Uuid::from_u128(id) }
    }

    fn claimed(priority: i16, second: i64, id: u128) -> FetchedJob {
        let place = place(second, id);
        FetchedJob::claimed_at(priority, place.run_at, place.id)
    }

    /// The floors after a claim of these jobs at the hundredth second, given the floors with which it began.
    fn after(mut share: ShareLanes, jobs: &[FetchedJob], demanded: &[LaneFloor]) -> Vec<LaneFloor> {
        share.move_to_claimed(jobs.iter(), at(100) - MARGIN, demanded);
        share.lanes.iter().map(Lane::demanded).collect()
    }

    fn floor(priority: i16, at: Position) -> LaneFloor {
        LaneFloor { priority, at: Some(at) }
    }

    #[test]
    fn a_floor_is_the_last_row_that_was_claimed_of_its_priority() {
        let jobs = [claimed(0, 10, 1), claimed(0, 10, 2), claimed(3, 5, 3), claimed(3, 20, 4)];
        let lanes = after(ShareLanes::default(), &jobs, &[]);
        assert_eq!(lanes, [floor(0, place(10, 2)), floor(3, place(20, 4))]);
    }

    #[test]
    fn a_floor_stays_behind_the_present_whatever_was_claimed() {
        let jobs = [claimed(0, 10, 1), claimed(0, 100, 2)];
        let latest = Position { run_at: at(100) - MARGIN, id: Uuid::nil() };
        assert_eq!(after(ShareLanes::default(), &jobs, &[]), [floor(0, latest)]);
    }

    #[test]
    fn a_fetch_does_not_raise_a_floor_that_a_sweep_has_lowered_meanwhile() {
        let lowered = || {
            let lane = Lane { floor: Some(place(10, 1)), ..Lane::unread(0) };
            ShareLanes { lanes: vec![lane], ..ShareLanes::default() }
        };
        let jobs = [claimed(0, 60, 2)];
        let before = [floor(0, place(50, 9))];
        assert_eq!(after(lowered(), &jobs, &before), [floor(0, place(10, 1))]);
        let same = [floor(0, place(10, 1))];
        assert_eq!(after(lowered(), &jobs, &same), [floor(0, place(60, 2))]);
    }

    #[test]
    fn lanes_that_are_declared_are_not_forgotten() {
        let mut share = ShareLanes::default();
        share.pin(7);
        for priority in 0..200 {
            let lane = share.take(priority);
            share.lanes.push(lane);
        }
        share.forget_surplus();
        assert_eq!(share.lanes.len(), MOST_LANES);
        assert!(share.lanes.iter().any(|lane| lane.priority == 7));
    }
}
