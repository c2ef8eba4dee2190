//! Looks for jobs that were overtaken: those that wait below the floors, where no fetch reads.
//!
//! A job gets there when its transaction commits long after it began, when its row was locked by a claim that
//! failed, or when another session had touched its row in a backlog. A sweep goes over every lane, from its floor to its beginning.
//! Whatever an old snapshot keeps there, it stays bounded:
//!
//! - It runs beside the fetches, in a session of its own, and takes a hundredth of the time: it pauses a hundred times
//!   as long as a statement took. To get through an expensive lane it may take its share of some minutes at once.
//! - The server ends each of its statements after [`PATIENCE`]. Lanes of which the statement took longer are read
//!   apart, and those that are dear by themselves in slices, which become smaller until one is read in time. A
//!   sweep goes on where it stopped, and what has come above that place meanwhile is read before.
//! - Where a lane is to be read that was not read for a while, a sweep comes first, at once.

mod probe;
mod results;
mod slice;

use std::{
    collections::HashMap,
    future::pending,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::lane::ShareKey;
use crate::{
    database::{Dedicated, Servers, failure::is_statement_timeout},
    store::{LanePart, Position},
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
    /// What is read next: the lanes from their floors on, as far as that is cheap.
    near: Vec<Work>,
    /// What is left of the dear lanes.
    far: Vec<Work>,
    /// A part of `far` was read since `near` was begun.
    was_far: bool,
    /// How much of each dear lane was read in time.
    pub(super) widths: HashMap<LaneKey, u32>,
    /// When the next sweep may begin.
    next: Instant,
    /// Until when what was read of the dear lanes takes up its share.
    paid_until: Instant,
}

type LaneKey = (ShareKey, i16);

/// What one statement is to read.
#[derive(Debug, Clone)]
enum Work {
    Parts(Vec<Part>),
    /// Between these two priorities of a queue there may be others.
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

/// 100 times as long as a statement took the sweeper pauses. Where the far parts of dear lanes are read as well, each of
/// the two takes half of that share.
const SHARE: u32 = 100;

/// 4 s of reading dear lanes may come at once, when there was none for 400 s. To find out how much of such a lane is
/// read in time takes some forty statements, each ended after [`PATIENCE`].
const BURST: Duration = Duration::from_secs(4);

/// 10 times as long as a near part of a dear lane took, the next one waits at least.
const PAUSE_IN_A_BURST: u32 = 10;

/// 100 ms, after which the server ends a statement of a sweep. Grows, up to the last one, where the smallest slice
/// is not read in time.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);
const LONGEST_PATIENCE: Duration = Duration::from_secs(5);

/// 25 ms: what a sweep reads in less, a fetch may read again.
const CHEAP: Duration = Duration::from_millis(25);

/// 1000 jobs are found in a part at most. Where there are as many, a fetch finds them.
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
        let stepped = self.step(urgent.is_some()).await;
        if let Some(urgent) = urgent {
            self.worker.sweeps.answered.send_replace(urgent);
        }
        stepped.map(|()| Next::AtOnce)
    }

    /// The database is away, or busy.
    fn failed(error: &sqlx::Error) {
        tracing::debug!(%error, "jobs that were overtaken could not be looked for; trying again");
    }
}

impl Sweeper {
    pub(in crate::worker) fn new(worker: Arc<Worker>, servers: &Servers) -> Self {
        Self {
            worker,
            connection: Dedicated::with_timeout(servers, PATIENCE),
            patience: PATIENCE,
            near: Vec::new(),
            far: Vec::new(),
            was_far: false,
            widths: HashMap::new(),
            next: Instant::now(),
            paid_until: Instant::now(),
        }
    }

    /// Until there is something to do and it is time; the number of an urgent request, where there is one.
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

    /// Whether a sweep is asked for that would not keep dear lanes from being read to their ends.
    fn may_begin(&self) -> bool {
        let is_asked = self.worker.sweeps.asked.load(Ordering::Acquire);
        is_asked && (self.far.is_empty() || self.was_far)
    }

    /// When the next part of a dear lane may be read: a burst may be taken in advance.
    fn expensive_due(&self) -> Instant {
        let advance = BURST * SHARE;
        self.paid_until.checked_sub(advance).unwrap_or_else(Instant::now)
    }

    /// Begins a sweep at the floors: all lanes that are cheap together, each dear one for itself, as far as an
    /// earlier sweep has come.
    fn begin(&mut self) {
        let sweeps = &self.worker.sweeps;
        sweeps.asked.store(false, Ordering::Release);
        let floors = sweeps.floors();
        let mut together = Vec::new();
        self.near.clear();
        self.was_far = false;
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
        // The last one is taken first.
        if !together.is_empty() {
            self.near.push(Work::Parts(together));
        }
    }

    /// Up to where a lane is still to be read by an earlier sweep.
    fn left_of(&self, lane: &LaneKey) -> Option<Position> {
        let parts = self.far.iter().filter_map(|work| match work {
            Work::Parts(parts) => Some(parts),
            Work::Gap { .. } => None,
        });
        let of_lane = parts.flatten().filter(|part| part.is_of(lane));
        of_lane.filter_map(|part| part.until).max()
    }

    /// One statement.
    async fn step(&mut self, is_urgent: bool) -> sqlx::Result<()> {
        let is_near_due = is_urgent || self.next <= Instant::now() || self.far.is_empty();
        let near = if is_near_due { self.near.pop() } else { None };
        let is_far = near.is_none();
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
            // There is another pause before the next try.
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

    /// Has the server end statements after so long.
    pub(super) fn set_patience(&mut self, patience: Duration) {
        self.patience = patience.clamp(PATIENCE, LONGEST_PATIENCE);
        self.connection = Dedicated::with_timeout(self.worker.client.servers(), self.patience);
    }
}
