//! Which ticks are due.

use chrono::{DateTime, TimeDelta, Utc};

use super::Schedule;
use crate::job::Misfire;

/// The ticks of a schedule that get a job now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    /// In their order.
    pub(crate) ticks: Vec<Tick>,
    /// The first tick that is not due yet.
    pub(crate) following: DateTime<Utc>,
    /// More ticks were late than are backfilled.
    pub(crate) left_out: bool,
}

/// A tick, and the tick of the job before: what lies between is the job's to work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) at: DateTime<Utc>,
    pub(crate) since: DateTime<Utc>,
}

/// 60 s: a tick that is later has missed its time.
const PATIENCE: TimeDelta = TimeDelta::seconds(60);

/// 1,000, upper bound of the ticks of a schedule that are backfilled.
pub(crate) const MOST_BACKFILLED: usize = 1000;

/// The smallest difference between two times of the database.
const MOMENT: TimeDelta = TimeDelta::microseconds(1);

/// Returns what is due of a schedule whose next tick is at `next_at` or later. `None` if it never fires again.
pub(crate) fn due(
    schedule: &Schedule,
    next_at: DateTime<Utc>,
    last_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<Due> {
    let following = schedule.next_after(now)?;
    let mut left_out = false;
    let first = schedule.next_after(next_at - MOMENT)?;
    let times = if first > now {
        Vec::new()
    } else if first >= now - PATIENCE {
        from(schedule, first, now)
    } else {
        match schedule.misfire {
            Misfire::Coalesce => Vec::from_iter(schedule.previous_before(now + MOMENT)),
            Misfire::Skip => {
                let in_time = schedule.next_after(now - PATIENCE - MOMENT)?;
                from(schedule, in_time, now)
            }
            Misfire::Backfill => {
                let times = last(schedule, first, now);
                left_out = times.first().is_some_and(|&oldest| oldest > first);
                times
            }
        }
    };
    let mut since = last_at.filter(|last| times.first().is_some_and(|first| last < first));
    let tick = |at| {
        let begin = since.or_else(|| schedule.previous_before(at)).unwrap_or(at);
        since = Some(at);
        Tick { at, since: begin }
    };
    Some(Due { ticks: times.into_iter().map(tick).collect(), following, left_out })
}

/// The ticks from this one on.
fn from(schedule: &Schedule, first: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let next = |&tick: &DateTime<Utc>| schedule.next_after(tick);
    std::iter::successors(Some(first), next).take_while(|&tick| tick <= until).collect()
}

/// The last ticks, the first first.
fn last(schedule: &Schedule, first: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let before = |&tick: &DateTime<Utc>| schedule.previous_before(tick);
    let latest = schedule.previous_before(until + MOMENT);
    let mut ticks: Vec<_> = std::iter::successors(latest, before)
        .take_while(|&tick| tick >= first)
        .take(MOST_BACKFILLED)
        .collect();
    ticks.reverse();
    ticks
}
