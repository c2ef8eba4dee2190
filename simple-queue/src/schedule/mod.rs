//! Schedules: when a job is enqueued by itself. Pure: which ticks are due at a time is computed here, and
//! [`crate::store`] moves a schedule past them in the statement that inserts their jobs.

mod due;
mod id;
mod stored;
mod words;

pub(crate) use due::{Tick, due};
pub(crate) use id::id_of_tick;
pub(crate) use stored::StoredRule;
pub use words::NextTick;

use std::{fmt, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use simple_queue_cron::{Cron, Tz, zone};

use crate::{
    Error, ScheduleError,
    job::{DeclaredSchedule, Misfire, Overlap, Rule},
};

/// When a schedule fires, and what happens to ticks that are late or that meet an earlier job.
///
/// ```
/// use std::time::Duration;
/// use simple_queue::{Misfire, Overlap, Schedule};
///
/// # fn main() -> Result<(), simple_queue::Error> {
/// let mornings = Schedule::cron("0 9 * * mon-fri")?.tz("Europe/Berlin")?.misfire(Misfire::Skip);
/// let often = Schedule::every(Duration::from_mins(15))?.overlap(Overlap::Skip);
/// assert_eq!(often.to_string(), "every 15m");
///
/// let friday = "2026-11-27T12:00:00Z".parse().unwrap();
/// let monday = "2026-11-30T08:00:00Z".parse().unwrap();
/// assert_eq!(mornings.next_after(friday), Some(monday));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub(crate) when: When,
    pub(crate) misfire: Misfire,
    pub(crate) overlap: Overlap,
}

/// The rule of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum When {
    Cron { cron: Arc<Cron>, zone: Tz },
    Every(Duration),
}

/// 3,650 days, upper bound of the time between two ticks.
const LONGEST: Duration = Duration::from_hours(3650 * 24);

impl Schedule {
    /// Creates a schedule of a cron expression, in UTC: five fields, minute, hour, day of month,
    /// month, day of week, or six with the second first.
    ///
    /// # Errors
    /// [`ScheduleError::Invalid`] with the field that is wrong and its fix; also for an expression
    /// that never fires, and for one whose first of six fields makes it fire every second.
    pub fn cron(expression: &str) -> Result<Self, Error> {
        let cron = Cron::parse(expression);
        let cron = cron.map_err(|wrong| ScheduleError::invalid(expression, wrong.message))?;
        Ok(Self::of(When::Cron { cron: Arc::new(cron), zone: Tz::UTC }))
    }

    /// Sets the time zone of the cron expression, by its IANA name.
    ///
    /// # Errors
    /// [`ScheduleError::Invalid`] when the zone is unknown, with the one that was likely meant; or
    /// when the schedule has no cron expression.
    pub fn tz(self, name: &str) -> Result<Self, Error> {
        let When::Cron { cron, .. } = self.when else {
            let problem = "times that pass are the same in each zone; leave `tz` out";
            return Err(ScheduleError::invalid(&self.when.to_string(), problem));
        };
        let zone = zone(name);
        let zone = zone.map_err(|problem| ScheduleError::invalid(cron.as_str(), problem))?;
        Ok(Self { when: When::Cron { cron, zone }, ..self })
    }

    /// Creates a schedule with this time between two ticks. They are its multiples since 1970 in
    /// UTC: every 15 minutes is at 0, 15, 30 and 45 past the hour.
    ///
    /// # Errors
    /// [`ScheduleError::Invalid`] for less than a second, for a part of a millisecond, and for more
    /// than 3,650 days.
    pub fn every(time: Duration) -> Result<Self, Error> {
        let problem = if time < Duration::from_secs(1) {
            "it fires at most once a second"
        } else if time > LONGEST {
            "the limit is 3650 days"
        } else if time != Duration::from_millis(millis(time).cast_unsigned()) {
            "milliseconds are its smallest part"
        } else {
            return Ok(Self::of(When::Every(time)));
        };
        Err(ScheduleError::invalid(&format!("every {time:?}"), problem))
    }

    const fn of(when: When) -> Self {
        Self { when, misfire: Misfire::Coalesce, overlap: Overlap::Allow }
    }

    /// Reads the one of a declaration.
    pub(crate) fn declared(declared: DeclaredSchedule) -> Result<Self, Error> {
        let DeclaredSchedule { rule, misfire, overlap } = declared;
        let schedule = match rule {
            Rule::Cron { cron, zone } => Self::cron(cron)?.tz(zone)?,
            Rule::Every(time) => Self::every(time)?,
        };
        let schedule = schedule.misfire(misfire).overlap(overlap);
        schedule.check().map(|()| schedule)
    }

    /// Sets what happens to late ticks; one job for all of them by default.
    #[must_use]
    pub fn misfire(self, misfire: Misfire) -> Self {
        Self { misfire, ..self }
    }

    /// Sets what happens to a tick while the job of an earlier one is live; both may be by default.
    #[must_use]
    pub fn overlap(self, overlap: Overlap) -> Self {
        Self { overlap, ..self }
    }

    /// Returns the first tick after this time; `None` after the year 5000.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.when {
            When::Cron { cron, zone } => cron.next_after(*zone, after),
            When::Every(time) => {
                let (time, after) = (millis(*time), after.timestamp_millis());
                DateTime::from_timestamp_millis(after.div_euclid(time).checked_add(1)? * time)
            }
        }
    }

    /// The last tick before this time.
    pub(crate) fn previous_before(&self, before: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match &self.when {
            When::Cron { cron, zone } => cron.previous_before(*zone, before),
            When::Every(time) => {
                let time = millis(*time);
                // A part of a millisecond is after its begin.
                let last = (before.timestamp_micros() - 1).div_euclid(1000);
                DateTime::from_timestamp_millis(last.div_euclid(time) * time)
            }
        }
    }

    /// The policies that contradict each other.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if (self.misfire, self.overlap) == (Misfire::Backfill, Overlap::Skip) {
            let problem = "only the first of the late ticks would run with `overlap = \"skip\"`; choose `overlap = \
                           \"queue\"`, or `misfire = \"coalesce\"`";
            return Err(ScheduleError::invalid(&self.to_string(), problem));
        }
        Ok(())
    }
}

/// The durations of schedules have whole milliseconds and are at most 3,650 days.
fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Writes the rule: the expression and its zone, or the time between two ticks.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.when.fmt(f)
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron { cron, zone } => write!(f, "{} {}", cron.as_str(), zone.name()),
            Self::Every(time) => write!(f, "every {}", words::lasting(*time)),
        }
    }
}

#[cfg(test)]
mod tests;
