//! Schedules and ticks in words.

use std::{fmt, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use simple_queue_cron::Tz;

use super::{Schedule, When};

/// A tick that is to come. It is shown in words, in the zone of its schedule: `Monday, 30 November
/// 2026, 09:00 CET, in 2 days 3 hours`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NextTick {
    /// When it is.
    pub at: DateTime<Utc>,
    zone: Tz,
    wait: TimeDelta,
}

impl NextTick {
    /// As seen at this time.
    pub(crate) fn new(at: DateTime<Utc>, schedule: &Schedule, now: DateTime<Utc>) -> Self {
        let zone = match &schedule.when {
            When::Cron { zone, .. } => *zone,
            When::Every(_) => Tz::UTC,
        };
        Self { at, zone, wait: at - now }
    }
}

impl fmt::Display for NextTick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.at.with_timezone(&self.zone);
        let seconds = if self.at.timestamp() % 60 == 0 { "" } else { ":%S" };
        let format = format!("%A, %-d %B %Y, %H:%M{seconds} %Z");
        write!(f, "{}, {}", shown.format(&format), In(self.wait))
    }
}

/// How long it takes until then, in the two largest units.
struct In(TimeDelta);

impl fmt::Display for In {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.num_seconds();
        if seconds <= 0 {
            return f.write_str("due");
        }
        let units = [("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)];
        let parts = units.iter().scan(seconds, |left, &(unit, length)| {
            let count = *left / length;
            *left %= length;
            Some((count, unit))
        });
        f.write_str("in")?;
        for (count, unit) in parts.skip_while(|(count, _)| *count == 0).take(2) {
            if count > 0 {
                write!(f, " {count} {unit}{}", if count == 1 { "" } else { "s" })?;
            }
        }
        Ok(())
    }
}

impl Schedule {
    /// Says in English when it fires.
    ///
    /// ```
    /// # fn main() -> Result<(), simple_queue::Error> {
    /// let schedule = simple_queue::Schedule::cron("0 9 * * mon")?.tz("Asia/Tokyo")?;
    /// assert_eq!(schedule.describe(), "At 09:00, on Monday (Asia/Tokyo)");
    /// # Ok(())
    /// # }
    /// ```
    pub fn describe(&self) -> String {
        match &self.when {
            When::Cron { cron, zone } => format!("{} ({})", cron.describe(), zone.name()),
            When::Every(time) => format!("Every {}", lasting(*time)),
        }
    }
}

/// A duration of whole milliseconds, like `1h30m`.
pub(super) fn lasting(time: Duration) -> String {
    const UNITS: [(&str, u128); 5] =
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let parts = UNITS.iter().scan(time.as_millis(), |left, &(unit, length)| {
        let count = *left / length;
        *left %= length;
        Some((count, unit))
    });
    let parts = parts.filter(|(count, _)| *count > 0);
    parts.flat_map(|(count, unit)| [count.to_string(), unit.to_owned()]).collect()
}
