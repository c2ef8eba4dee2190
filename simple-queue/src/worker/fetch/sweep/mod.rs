//! Searches for overtaken jobs: those that wait below the floors, where no fetch reads.
//!
//! A job gets there when its transaction commits long after it began, when its row was locked by a claim that failed,
//! or when another session had touched its row in a backlog. A sweep reads every lane below its floor, from the floor
//! down to the lane's beginning. Its cost stays bounded, whatever an old snapshot keeps there:
//!
//! - It runs beside the fetches, in a session of its own, and takes a hundredth of the time: it pauses a hundred times
//!   as long as a statement took. To get through an expensive lane it may spend its share of some minutes at once.
//! - The server ends each of its statements after [`PATIENCE`]. Lanes whose statement took longer are read apart. A
//!   lane that is expensive by itself is read in slices, which shrink until one is read in time. A sweep continues
//!   where it stopped, and reads first what has come above that place in the meantime.
//! - A lane that was not read for a while is swept at once, before it is read. Where lanes are not read in time
//!   together, each is tried: one that passes over a backlog of other kinds must not hide the jobs of the others.

mod probe;
mod results;
mod slice;

use std::{
    collections::HashMap,
    future::pending,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{lane::ShareKey, sweeps::LONGEST_WAIT};
use crate::{
    database::{
        Dedicated, Servers,
        failure::{described, is_statement_timeout},
    },
    store::{LanePart, Position},
    telemetry,
    upkeep::role::{Next, Role},
    worker::Worker,
};
use probe::gaps;
use slice::{Part, WHOLE};

/// The role that sweeps.
pub(in crate::worker) struct Sweeper {
    pub(super) worker: Arc<Worker>,
    pub(super) connection: Dedicated,
    pub(super) patience: Duration,
    /// What is read next: the lanes from their floors downwards, as far as that is cheap.
    near: Vec<Work>,
    /// How many of them, read first, are lanes that were not read in time together.
    pub(super) apart: usize,
    /// What is left of the expensive lanes.
    far: Vec<Work>,
    /// A part of `far` was read since `near` was begun.
    was_far: bool,
    /// How much of each expensive lane was read in time.
    pub(super) widths: HashMap<LaneKey, u32>,
    /// When the next sweep may begin.
    next: Instant,
    /// Until when the time spent on expensive lanes uses up their share.
    paid_until: Instant,
}

type LaneKey = (ShareKey, i16);

/// What one statement reads.
#[derive(Debug, Clone)]
enum Work {
    Parts(Vec<Part>),
    /// Unknown priorities of a queue may lie between these two.
    Gap {
        queue: String,
        low: i32,
        high: i32,
    },
}

impl Work {
    const fn is_gap(&self) -> bool {
        matches!(self, Self::Gap { .. })
    }
}

/// 100, the factor by which the sweeper's pause exceeds the duration of its statement. While the far parts of expensive
/// lanes are read as well, near and far parts take half of that share each.
const SHARE: u32 = 100;

/// 4 s, upper bound of the time that expensive lanes may take at once, after 400 s without any. Finding out how much of
/// such a lane is read in time takes some forty statements, each ended after [`PATIENCE`].
const BURST: Duration = Duration::from_secs(4);

/// 10, the factor by which the pause exceeds the duration of a near part of an expensive lane, at least.
const PAUSE_IN_A_BURST: u32 = 10;

/// 100 ms, after which the server ends a statement of a sweep. It grows, up to `LONGEST_PATIENCE`, while the smallest
/// slice is not read in time.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);
const LONGEST_PATIENCE: Duration = Duration::from_secs(5);

/// 25 ms, upper bound of a read that a fetch may repeat.
const CHEAP: Duration = Duration::from_millis(25);

/// 1000, upper bound of the jobs that are found in a part. Where there are as many, a fetch finds the others.
pub(super) const MOST: i64 = 1000;

impl Role for Sweeper {
    const NAME: &'static str = "sweeper";

    /// One step of a sweep, when it is time for one.
    async fn run_once(&mut self) -> sqlx::Result<Next> {
        let urgent = self.wait().await;
        let is_due = self.near.is_empty() && self.may_begin() && self.next <= Instant::now();
        if urgent.is_some() || is_due {
            self.begin();
        }
        let began = Instant::now();
        let mut stepped = self.step(urgent.is_some()).await;
        if let Some(urgent) = urgent {
            // A fetch waits, and would pass over what waits in lanes that are cheap to read without the expensive ones.
            while stepped.is_ok() && self.apart > 0 && began.elapsed() < LONGEST_WAIT {
                stepped = self.step(true).await;
            }
            self.worker.sweeps.answered.send_replace(urgent);
        }
        stepped.map(|()| Next::AtOnce)
    }

    /// The database is away, or busy.
    fn failed(error: &sqlx::Error) {
        telemetry::fetch::sweep_failed(&described(error));
    }
}

impl Sweeper {
    pub(in crate::worker) fn new(worker: Arc<Worker>, servers: &Servers) -> Self {
        Self {
            worker,
            connection: Dedicated::with_timeout(servers, PATIENCE),
            patience: PATIENCE,
            near: Vec::new(),
            apart: 0,
            far: Vec::new(),
            was_far: false,
            widths: HashMap::new(),
            next: Instant::now(),
            paid_until: Instant::now(),
        }
    }

    /// Waits until there is something to do and it is time. Returns the number of an urgent request, where there is
    /// one.
    async fn wait(&self) -> Option<u64> {
        let sweeps = &self.worker.sweeps;
        loop {
            let urgent = sweeps.urgent.load(Ordering::Acquire);
            if urgent > *sweeps.answered.borrow() {
                return Some(urgent);
            }
            let due = [
                (!self.near.is_empty() || self.may_begin()).then_some(self.next),
                (!self.far.is_empty()).then(|| self.expensive_due()),
            ];
            let due = due.into_iter().flatten().min();
            if due.is_some_and(|due| due <= Instant::now()) {
                return None;
            }
            let is_due = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.into()).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = sweeps.changed.notified() => {}
                () = is_due => {}
            }
        }
    }

    /// Returns whether a sweep is requested, and would not keep expensive lanes from being read to their ends.
    fn may_begin(&self) -> bool {
        let is_asked = self.worker.sweeps.asked.load(Ordering::Acquire);
        is_asked && (self.far.is_empty() || self.was_far)
    }

    /// When the next part of an expensive lane may be read: one burst may be taken in advance.
    fn expensive_due(&self) -> Instant {
        let advance = BURST * SHARE;
        self.paid_until.checked_sub(advance).unwrap_or_else(Instant::now)
    }

    /// Begins a sweep at the floors: all cheap lanes together, each expensive lane alone, down to where an earlier
    /// sweep still has to read.
    fn begin(&mut self) {
        let sweeps = &self.worker.sweeps;
        sweeps.asked.store(false, Ordering::Release);
        let floors = sweeps.floors();
        let mut together = Vec::new();
        self.near.clear();
        (self.apart, self.was_far) = (0, false);
        for below in floors.below() {
            let lane = (below.share.clone(), below.priority);
            let (stop, width) = (self.left_of(&lane), self.widths.get(&lane).copied());
            let part = Part {
                until: below.until,
                stop,
                width: width.unwrap_or(WHOLE),
                late: Vec::new(),
                below,
            };
            match width {
                None => together.push(part),
                Some(_) => self.near.push(Work::Parts(vec![part])),
            }
        }
        let is_probed = self.far.iter().any(Work::is_gap);
        if !floors.probes && !is_probed {
            self.far.extend(gaps(&floors));
        }
        drop(floors);
        // The last part is read first.
        if !together.is_empty() {
            self.near.push(Work::Parts(together));
        }
    }

    /// The position up to which an earlier sweep still has to read a lane.
    fn left_of(&self, lane: &LaneKey) -> Option<Position> {
        let parts = self.far.iter().filter_map(|work| match work {
            Work::Parts(parts) => Some(parts),
            Work::Gap { .. } => None,
        });
        let of_lane = parts.flatten().filter(|part| part.is_of(lane));
        of_lane.filter_map(|part| part.until).max()
    }

    /// Sends one statement.
    async fn step(&mut self, is_urgent: bool) -> sqlx::Result<()> {
        let is_near_due = is_urgent || self.next <= Instant::now() || self.far.is_empty();
        let near = if is_near_due { self.near.pop() } else { None };
        let is_far = near.is_none();
        self.apart = if is_far { self.apart } else { self.apart.saturating_sub(1) };
        let Some(work) = near.or_else(|| self.far.pop()) else { return Ok(()) };
        self.was_far |= is_far;
        let began = Instant::now();
        let stepped = match work {
            Work::Parts(parts) => self.read(parts).await,
            Work::Gap { queue, low, high } => self.probe(queue, low, high).await,
        };
        let took = began.elapsed();
        let now = Instant::now();
        if stepped.is_err() {
            // The retry has a pause of its own.
            self.next = now;
            return stepped;
        }
        let pause = took * if self.far.is_empty() { SHARE } else { 2 * SHARE };
        let is_expensive = took > CHEAP;
        if is_expensive {
            let paid_until = std::cmp::max(self.paid_until, now) + pause;
            self.paid_until = std::cmp::min(paid_until, now + 2 * BURST * SHARE);
        }
        if !is_far {
            let goes_on = !self.near.is_empty() || !self.far.is_empty();
            self.next = if is_expensive && goes_on {
                std::cmp::max(now + took * PAUSE_IN_A_BURST, self.expensive_due())
            } else {
                now + pause
            };
        }
        Ok(())
    }

    /// Reads parts of lanes.
    async fn read(&mut self, parts: Vec<Part>) -> sqlx::Result<()> {
        let present = self.worker.sweeps.floors().present();
        let began = Instant::now();
        let asked: Vec<LanePart<'_>> =
            parts.iter().zip(0..).map(|(part, place)| part.asked(place, present)).collect();
        let store = &self.worker.store;
        let found = self
            .connection
            .ask(async |connection| store.find_overtaken_jobs(connection, &asked, MOST).await)
            .await;
        let took = began.elapsed();
        match found {
            Ok(found) => {
                self.apply_results(parts, &found, took <= CHEAP, present);
            }
            Err(error) if is_statement_timeout(&error) => {
                self.divide(parts, present);
            }
            Err(error) => {
                self.near.push(Work::Parts(parts));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Sets the time after which the server ends a statement.
    pub(super) fn set_patience(&mut self, patience: Duration) {
        self.patience = patience.clamp(PATIENCE, LONGEST_PATIENCE);
        self.connection = Dedicated::with_timeout(self.worker.client.servers(), self.patience);
    }
}
