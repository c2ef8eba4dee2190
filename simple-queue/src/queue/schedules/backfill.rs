//! Jobs of past ticks.

use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{Schedules, target};
use crate::{
    Error, ScheduleError,
    job::Overlap,
    queue::caller::{Change, control},
    schedule::{Schedule, Tick, id_of_tick},
    store::{Backfill, ScheduleRow, TickJob},
};

/// Result of a backfill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Backfilled {
    /// Number of jobs that were enqueued.
    pub enqueued: u64,
    /// Number of ticks whose job was known already: it is live, completed or a dead letter.
    pub known: u64,
}

/// 1,000 jobs of one statement; also the number of ticks that may wait.
const BATCH: usize = 1000;

const MOMENT: TimeDelta = TimeDelta::microseconds(1);

/// The ticks of a schedule in a range.
struct Ticks<'s> {
    schedule: &'s Schedule,
    next: Option<DateTime<Utc>>,
    end: DateTime<Utc>,
}

impl Iterator for Ticks<'_> {
    type Item = DateTime<Utc>;

    fn next(&mut self) -> Option<DateTime<Utc>> {
        let tick = self.next.filter(|&tick| tick < self.end)?;
        self.next = self.schedule.next_after(tick);
        Some(tick)
    }
}

impl Schedules<'_> {
    /// Enqueues the jobs of past ticks: those from the start of the range to before its end that
    /// have no job yet. A repeated call enqueues nothing twice, as long as the history remembers
    /// the jobs.
    ///
    /// Ticks that are still to come, and due ones whose jobs the workers are about to enqueue, are
    /// left to them. With [`Overlap::Queue`] the jobs run one after the other.
    ///
    /// # Errors
    /// [`ScheduleError::Unknown`]; [`ScheduleError::Invalid`] for a schedule with
    /// [`Overlap::Skip`], of which only one job could be live, and for more than 1,000 ticks with
    /// [`Overlap::Queue`]; or when the database fails. Jobs that were enqueued before the failure
    /// stay, and the call can be repeated.
    pub async fn backfill(
        self,
        name: &str,
        range: Range<DateTime<Utc>>,
    ) -> Result<Backfilled, Error> {
        let mut done = Backfilled::default();
        let mut start = range.start;
        let target = target(name);
        let [from, to] = [range.start, range.end].map(|at| at.to_rfc3339());
        let arguments = Some(json!({ "from": from, "to": to }));
        let what = "backfill a schedule";
        let change = Change { action: "backfill", target: &target, arguments, what };
        loop {
            let row = self.read_one(name).await?;
            let schedule = row.rule().read()?;
            let end = std::cmp::min(range.end, reached(&row));
            refuse(&row, &schedule, start, end)?;
            let jobs = self.jobs(name, &schedule, start, end);
            let Some(last) = jobs.last().map(|job| job.tick.at) else { return Ok(done) };
            let backfill = Backfill { name, ticks: &jobs, last };
            let enqueued = control!(self.queue, self.caller, change => async |connection| {
                let enqueued = self.queue.store().backfill_schedule(connection, &backfill).await?;
                Ok((enqueued.is_some_and(|jobs| jobs > 0), enqueued))
            });
            let enqueued = enqueued?;
            // It was changed since it was read.
            let Some(enqueued) = enqueued else { continue };
            self.queue.wake().wake_local();
            let enqueued = u64::try_from(enqueued).unwrap_or_default();
            done.enqueued += enqueued;
            done.known += u64::try_from(jobs.len()).unwrap_or_default() - enqueued;
            start = last + MOMENT;
        }
    }

    /// The first jobs of a range.
    fn jobs(
        self,
        name: &str,
        schedule: &Schedule,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> Vec<TickJob> {
        let schema = self.queue.store().schema().name();
        let mut before = None;
        let ticks = ticks(schedule, start, end).take(BATCH).map(|at| {
            let since = before.or_else(|| schedule.previous_before(at)).unwrap_or(at);
            before = Some(at);
            TickJob { id: id_of_tick(schema, name, at), tick: Tick { at, since } }
        });
        ticks.collect()
    }
}

fn ticks(schedule: &Schedule, start: DateTime<Utc>, end: DateTime<Utc>) -> Ticks<'_> {
    Ticks { schedule, next: schedule.next_after(start - MOMENT), end }
}

/// The end of the ticks that workers will not enqueue any more.
fn reached(row: &ScheduleRow) -> DateTime<Utc> {
    match row.paused_at {
        Some(_) => row.now,
        None => std::cmp::min(row.next_at, row.now),
    }
}

fn refuse(
    row: &ScheduleRow,
    schedule: &Schedule,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
) -> Result<(), Error> {
    let problem = match schedule.overlap {
        Overlap::Allow => return Ok(()),
        Overlap::Skip => {
            "only one of the jobs could be live with `overlap = \"skip\"`; declare `overlap = \"queue\"`"
        }
        Overlap::Queue => {
            let room = BATCH.saturating_sub(usize::try_from(row.waiting).unwrap_or_default());
            if ticks(schedule, start, end).take(room + 1).count() <= room {
                return Ok(());
            }
            "at most 1,000 of its ticks wait for each other; backfill a shorter range, or later"
        }
    };
    Err(ScheduleError::invalid(&row.name, problem))
}
