//! Looks for jobs that were overtaken: those that wait below the floors, where no fetch reads.
//!
//! A job gets there when its transaction commits long after it began, when its row was locked by a claim that
//! failed, or when another session had touched its row in a backlog. A sweep goes over every lane, from its floor to its beginning.
//! Whatever an old snapshot keeps there, it stays bounded:
//!
//! - It runs beside the fetches, in a session of its own, and pauses a hundred times as long as a statement took. After
//!   an expensive part close to the present it pauses ten times as long: what follows is a smaller part.
//! - The server ends each of its statements after [`PATIENCE`]. Lanes of which the statement took longer are read
//!   apart, and those that are dear by themselves in slices, which become smaller until one is read in time. A
//!   sweep goes on where it stopped, and what has come above that place meanwhile is read before.
//! - Where a lane is to be read that was not read for a while, a sweep comes first, at once.

mod probe;
mod slice;
mod take_in;

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{lane::ShareKey, unserved::Unserved};
use crate::{
    database::{Dedicated, Servers, failure::is_statement_timeout},
    retries::Retries,
    store::{LanePart, Position},
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
    unserved: Unserved,
    retries: Retries,
    /// The last step could not be made.
    failed: bool,
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

/// 100 times as long as a statement took the sweeper pauses.
const SHARE: u32 = 100;

/// 10 times as long where it was dear: what comes after it is a smaller part.
const SHARE_WHERE_DEAR: u32 = 10;

/// 1 s of reading dear lanes may come at once, when there was none for 100 s.
const BURST: Duration = Duration::from_secs(1);

/// 100 ms, after which the server ends a statement of a sweep. Grows, up to the last one, where the smallest slice
/// is not read in time.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);
const LONGEST_PATIENCE: Duration = Duration::from_secs(5);

/// 25 ms: what a sweep reads in less, a fetch may read again.
const CHEAP: Duration = Duration::from_millis(25);

/// 1000 jobs are found in a part at most. Where there are as many, a fetch finds them.
pub(super) const MOST: i64 = 1000;

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
            unserved: Unserved::new(servers),
            retries: Retries::default(),
            failed: false,
        }
    }

    /// Sweeps until the worker stops.
    pub(in crate::worker) async fn run(mut self) {
        let stopping = self.worker.stopping.clone();
        let sweeping = async {
            loop {
                let urgent = self.wait().await;
                if urgent.is_none() && self.unserved.is_due() {
                    self.unserved.run_once(&self.worker).await;
                    continue;
                }
                let is_due =
                    self.near.is_empty() && self.may_begin() && self.next <= Instant::now();
                if urgent.is_some() || is_due {
                    self.begin();
                }
                self.step(urgent.is_some()).await;
                if let Some(urgent) = urgent {
                    self.worker.sweeps.answered.send_replace(urgent);
                }
            }
        };
        stopping.run_until_cancelled(sweeping).await;
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
                (!self.far.is_empty()).then(|| self.far_due()),
                Some(self.unserved.due()),
            ];
            let due = due.into_iter().flatten().min().unwrap_or_else(Instant::now);
            if due <= Instant::now() {
                return None;
            }
            tokio::select! {
                () = sweeps.changed.notified() => {}
                () = tokio::time::sleep_until(due.into()) => {}
            }
        }
    }

    /// Whether a sweep is asked for that would not keep dear lanes from being read to their ends.
    fn may_begin(&self) -> bool {
        let is_asked = self.worker.sweeps.asked.load(Ordering::Acquire);
        is_asked && (self.far.is_empty() || self.was_far)
    }

    /// When the next part of a dear lane may be read: a burst may be taken in advance.
    fn far_due(&self) -> Instant {
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
            let part = Part { until: below.until, stop, width: width.unwrap_or(WHOLE), below };
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
    async fn step(&mut self, is_urgent: bool) {
        let is_near_due = is_urgent || self.next <= Instant::now() || self.far.is_empty();
        let near = if is_near_due { self.near.pop() } else { None };
        let is_far = near.is_none();
        let Some(work) = near.or_else(|| self.far.pop()) else { return };
        self.was_far |= is_far;
        self.failed = false;
        let began = Instant::now();
        match work {
            Work::Parts(parts) => self.read(parts).await,
            Work::Gap { queue, low, high } => self.probe(queue, low, high).await,
        }
        let took = began.elapsed();
        let now = Instant::now();
        if self.failed {
            // It has waited already.
            self.next = now;
            return;
        }
        let is_dear = took > CHEAP;
        if is_dear {
            let paid_until = std::cmp::max(self.paid_until, now) + took * SHARE;
            self.paid_until = std::cmp::min(paid_until, now + 2 * BURST * SHARE);
        }
        if !is_far {
            let pauses = if is_dear { SHARE_WHERE_DEAR } else { SHARE };
            self.next = now + took * pauses;
        }
    }

    /// Reads parts of lanes.
    async fn read(&mut self, parts: Vec<Part>) {
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
                self.retries.reset();
                self.take_in(parts, &found, took <= CHEAP, present);
            }
            Err(error) if is_statement_timeout(&error) => {
                self.divide(parts, present.is_some());
            }
            Err(error) => {
                self.near.push(Work::Parts(parts));
                self.fail(&error).await;
            }
        }
    }

    /// The database is away, or busy.
    pub(super) async fn fail(&mut self, error: &sqlx::Error) {
        tracing::debug!(%error, "jobs that were overtaken could not be looked for; trying again");
        self.failed = true;
        self.retries.wait().await;
    }

    /// Has the server end statements after so long.
    pub(super) fn be_patient(&mut self, patience: Duration) {
        self.patience = patience.clamp(PATIENCE, LONGEST_PATIENCE);
        self.connection = Dedicated::with_timeout(self.worker.queue.servers(), self.patience);
    }
}
