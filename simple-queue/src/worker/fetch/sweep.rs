//! Looks for jobs that were overtaken: those that wait below the floors, where no fetch reads.
//!
//! A job gets there when its transaction commits long after it began, when its row was locked by a claim that
//! failed, or when another session had touched its row in a backlog. A sweep goes over every lane, from its floor to its beginning.
//! Whatever an old snapshot keeps there, it stays bounded:
//!
//! - It runs beside the fetches, in a session of its own, and takes a hundredth of the time.
//! - The server ends each of its statements after [`PATIENCE`]. Lanes of which the statement took longer are read
//!   apart, and those that are dear by themselves in slices, which become smaller until one is read in time. A
//!   sweep goes on where it stopped, and what has come above that place meanwhile is read before.
//! - Where a lane is to be read that was not read for a while, a sweep comes first, at once.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{
    lane::ShareKey,
    probe::gaps,
    slice::{ID_BITS, Part, WHOLE, narrower, wider},
    unserved::Unserved,
};
use crate::{
    error::is_statement_timeout,
    retries::Retries,
    store::{Dedicated, FIRST_TIME, LanePart, Overtaken, Position, Servers},
    worker::Worker,
};

/// The role that sweeps.
pub(in crate::worker) struct Sweeper {
    pub(super) worker: Arc<Worker>,
    pub(super) connection: Dedicated,
    patience: Duration,
    /// What is read next: the lanes from their floors on, as far as that is cheap.
    near: Vec<Work>,
    /// What is left of the dear lanes.
    pub(super) far: Vec<Work>,
    /// A part of `far` was read since `near` was begun.
    was_far: bool,
    /// How much of each dear lane was read in time.
    widths: HashMap<LaneKey, u32>,
    /// When the next sweep may begin.
    next: Instant,
    /// Until when what was read of the dear lanes takes up its share.
    paid_until: Instant,
    unserved: Unserved,
    retries: Retries,
}

type LaneKey = (ShareKey, i16);

/// What one statement is to read.
#[derive(Debug, Clone)]
pub(super) enum Work {
    Parts(Vec<Part>),
    /// Between these two priorities of a queue there may be others.
    Gap {
        queue: String,
        low: i32,
        high: i32,
    },
}

impl Work {
    pub(super) const fn is_gap(&self) -> bool {
        matches!(self, Self::Gap { .. })
    }
}

/// 100 times as long as a statement took the sweeper pauses.
const SHARE: u32 = 100;

/// 1 s of reading dear lanes may come at once, when there was none for 100 s.
const BURST: Duration = Duration::from_secs(1);

/// 100 ms, after which the server ends a statement of a sweep. Grows, up to the last one, where the smallest slice
/// is not read in time.
const PATIENCE: Duration = Duration::from_millis(100);
const LONGEST_PATIENCE: Duration = Duration::from_secs(5);

/// 25 ms: what a sweep reads in less, a fetch may read again.
const CHEAP: Duration = Duration::from_millis(25);

/// 1000 jobs are found in a part at most. Where there are as many, a fetch finds them.
const MOST: i64 = 1000;

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
            unserved: Unserved::new(),
            retries: Retries::default(),
        }
    }

    /// Sweeps until the worker stops.
    pub(in crate::worker) async fn run(mut self) {
        let stopping = self.worker.stopping.clone();
        let sweeping = async {
            loop {
                let urgent = self.wait().await;
                if urgent.is_none() && self.unserved.is_due() {
                    self.unserved.run_once(&self.worker, &mut self.connection).await;
                    continue;
                }
                let is_due =
                    self.near.is_empty() && self.may_begin() && self.next <= Instant::now();
                if urgent.is_some() || is_due {
                    self.begin();
                }
                self.step().await;
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
    async fn step(&mut self) {
        let is_near_due = self.next <= Instant::now() || self.far.is_empty();
        let near = if is_near_due { self.near.pop() } else { None };
        let Some(work) = near.or_else(|| self.far.pop()) else { return };
        self.was_far |= self.near.is_empty();
        let began = Instant::now();
        let is_dear = match work {
            Work::Parts(parts) => self.read(parts).await,
            Work::Gap { queue, low, high } => self.probe(queue, low, high).await,
        };
        let took = began.elapsed();
        let now = Instant::now();
        match is_dear {
            true => self.paid_until = std::cmp::max(self.paid_until, now) + took * SHARE,
            false => self.next = now + took * SHARE,
        }
    }

    /// Reads parts of lanes; whether that was dear.
    async fn read(&mut self, parts: Vec<Part>) -> bool {
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
                took > CHEAP
            }
            Err(error) if is_statement_timeout(&error) => {
                self.divide(parts, present.is_some());
                true
            }
            Err(error) => {
                self.near.push(Work::Parts(parts));
                self.fail(&error).await;
                false
            }
        }
    }

    /// Says of each part what was found in it, and goes on with the next slice of a dear lane.
    fn take_in(
        &mut self,
        parts: Vec<Part>,
        found: &Overtaken,
        is_cheap: bool,
        present: Option<Position>,
    ) {
        let mut floors = self.worker.sweeps.floors();
        for (place, part) in parts.into_iter().enumerate() {
            let jobs: Vec<Position> = found
                .jobs
                .iter()
                .filter_map(|&(part, position)| (part == place).then_some(position))
                .collect();
            // What is due since before all times that are used cannot be read from a floor.
            let is_ancient = |job: &&Position| job.run_at <= FIRST_TIME;
            floors.found(&part.below.share, jobs.iter().filter(is_ancient).map(|job| job.id));
            let jobs: Vec<Position> = jobs.into_iter().filter(|job| !is_ancient(&job)).collect();
            let first = jobs.first().copied();
            let is_dense = i64::try_from(jobs.len()).is_ok_and(|jobs| jobs >= MOST);
            let from = part.from(present);
            let begins_at_floor = part.until == part.below.until;
            if from.is_none() && begins_at_floor && (is_cheap || is_dense || first.is_none()) {
                floors.swept(&part.below, first, found.now);
            } else if let Some(first) = first {
                match is_dense || (is_cheap && begins_at_floor) {
                    true => floors.lower(&part.below, first),
                    false => floors.found(&part.below.share, jobs.iter().map(|job| job.id)),
                }
            }
            if part.width == WHOLE {
                continue;
            }
            let width = if is_cheap { wider(part.width) } else { part.width };
            let lane = (part.below.share.clone(), part.below.priority);
            let is_over = from.is_none_or(|from| part.stop == Some(from));
            match is_over && width == WHOLE {
                true => self.widths.remove(&lane),
                false => self.widths.insert(lane, width),
            };
            if !is_over {
                let rest = Work::Parts(vec![Part { until: from, width, ..part }]);
                if is_cheap { self.near.push(rest) } else { self.far.push(rest) }
            }
        }
        drop(floors);
        if self.patience > PATIENCE {
            self.be_patient(self.patience / 2);
        }
        if !found.jobs.is_empty() {
            self.worker.queue.wake().wake_local();
        }
    }

    /// What was not read in time is read in halves: of the lanes, and then of a lane.
    fn divide(&mut self, mut parts: Vec<Part>, present_is_known: bool) {
        if parts.len() > 1 {
            let half = parts.split_off(parts.len() / 2);
            self.near.extend([Work::Parts(half), Work::Parts(parts)]);
            return;
        }
        for part in parts {
            let width = narrower(part.width);
            if part.width < ID_BITS {
                self.be_patient(self.patience * 2);
            }
            tracing::debug!(
                queue = part.below.share.0,
                priority = part.below.priority,
                width,
                "a part of a lane was not read in time; it is swept in slices"
            );
            self.widths.insert((part.below.share.clone(), part.below.priority), width);
            // Where it ends is known only after a fetch; the next sweep goes on with it then.
            if part.until.is_some() || present_is_known {
                self.far.push(Work::Parts(vec![Part { width, ..part }]));
            }
        }
    }

    /// The database is away, or busy.
    pub(super) async fn fail(&mut self, error: &sqlx::Error) {
        tracing::debug!(%error, "jobs that were overtaken could not be looked for; trying again");
        self.retries.wait().await;
    }

    /// Has the server end statements after so long.
    fn be_patient(&mut self, patience: Duration) {
        self.patience = patience.clamp(PATIENCE, LONGEST_PATIENCE);
        self.connection = Dedicated::with_timeout(self.worker.queue.servers(), self.patience);
    }
}
