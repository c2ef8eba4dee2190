//! Schedules, as operators see them.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::{
    Error, ScheduleError,
    schedule::{NextTick, Schedule},
    store::ScheduleRow,
};

/// A schedule, what it did last and does next. It is shown on a line for each tick to come:
///
/// ```text
/// daily_report: At 09:00, on Monday (Europe/Berlin)
///   Monday, 30 November 2026, 09:00 CET, in 19 hours 49 minutes
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ScheduleState {
    /// Its name; the kind of the job if the code declares it.
    pub name: String,
    /// The queue of its jobs.
    pub queue: String,
    /// The kind of its jobs.
    pub kind: String,
    /// When it fires: as declared, or as [`Schedules::set`](super::Schedules::set) has set it.
    /// `None` if this release cannot read it; [`problem`](Self::problem) says why.
    pub schedule: Option<Schedule>,
    /// Why this release cannot read the schedule.
    pub problem: Option<String>,
    /// Whether an operator has set when it fires.
    pub is_set: bool,
    /// The next five ticks; none while it is paused.
    pub next: Vec<NextTick>,
    /// The last tick that a job was enqueued for.
    pub last_at: Option<DateTime<Utc>>,
    /// The job of the last tick. It may have ended, and its history may be deleted.
    pub last_job: Option<Uuid>,
    /// How many ticks wait for the job of an earlier one to end.
    pub waiting: u32,
    /// When it was paused.
    pub paused_at: Option<DateTime<Utc>>,
    /// When a worker last declared it: when it started, and about once an hour since. `None` if a
    /// call has put it.
    pub declared_at: Option<DateTime<Utc>>,
    /// Whether the code declared it and no worker has done so for a day. It still fires, until
    /// [`Schedules::remove`](super::Schedules::remove).
    pub is_undeclared: bool,
}

/// 5 ticks are told in advance.
const TOLD: usize = 5;

impl ScheduleState {
    pub(super) fn of(row: ScheduleRow) -> Self {
        let (schedule, problem) = match row.rule().read() {
            Ok(schedule) => (Some(schedule), None),
            Err(Error::Schedule(ScheduleError::Invalid { problem, .. })) => (None, Some(problem)),
            Err(error) => (None, Some(error.to_string())),
        };
        let next = match &schedule {
            Some(schedule) if row.paused_at.is_none() => {
                let tick = |&at: &DateTime<Utc>| schedule.next_after(at);
                std::iter::successors(Some(row.next_at), tick)
                    .take(TOLD)
                    .map(|at| NextTick::new(at, schedule, row.now))
                    .collect()
            }
            _ => Vec::new(),
        };
        Self {
            is_set: row.set.is_some(),
            schedule,
            problem,
            next,
            last_at: row.last_at,
            last_job: row.last_job,
            waiting: u32::try_from(row.waiting).unwrap_or_default(),
            paused_at: row.paused_at,
            declared_at: row.declared_at,
            is_undeclared: row.declared_at.is_some_and(|at| row.now - at > TimeDelta::days(1)),
            name: row.name,
            queue: row.queue,
            kind: row.kind,
        }
    }
}

impl fmt::Display for ScheduleState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        match (&self.schedule, &self.problem) {
            (Some(schedule), _) => f.write_str(&schedule.describe())?,
            (None, problem) => f.write_str(problem.as_deref().unwrap_or_default())?,
        }
        if self.paused_at.is_some() {
            f.write_str(", paused")?;
        }
        if self.is_undeclared {
            f.write_str(", no longer declared")?;
        }
        self.next.iter().try_for_each(|tick| write!(f, "\n  {tick}"))
    }
}
