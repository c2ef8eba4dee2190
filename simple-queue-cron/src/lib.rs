//! Cron expressions and time zones of simple-queue, for its macros and for the library: what one refuses the other
//! refuses with the same words.
//!
//! [`Cron`] is an expression, [`zone`] finds a time zone. The expressions are parsed and matched by `croner`. What is
//! added here is which field is wrong and how it is mended, and what happens to named hours when clocks change.

mod fields;
mod instants;
mod zones;

pub use chrono_tz::Tz;
pub use fields::Wrong;
pub use zones::zone;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use croner::errors::CronError;

/// A valid cron expression.
///
/// It has five fields, minute, hour, day of month, month, day of week, or six, with the second before them; or it is one
/// of `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    fields: croner::Cron,
    /// The hour is named, so the expression means times of day. Otherwise it means times that pass.
    names_hours: bool,
}

impl Cron {
    /// Parses an expression.
    ///
    /// # Errors
    /// When a field is wrong, when no day has such a time, or when it would fire every second.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let fields = fields::parse(text)?;
        let names_hours = !fields.pattern.hours.from_wildcard;
        let cron = Self { text: text.to_owned(), fields, names_hours };
        // Whatever the start: the calendar repeats itself, and an expression that fires at all fires in it.
        match cron.fields.find_next_occurrence(&DateTime::<Utc>::UNIX_EPOCH, false) {
            Ok(_) => Ok(cron),
            Err(_) => Err(fields::never(text)),
        }
    }

    /// The expression, as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the first time after this one at which it fires in a zone; `None` beyond the year 5000.
    pub fn next_after(&self, zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if !self.names_hours {
            let next = self.fields.find_next_occurrence(&after.with_timezone(&zone), false);
            return next.ok().map(|next| next.to_utc());
        }
        let mut civil = after.with_timezone(&zone).naive_local();
        loop {
            civil = self.fields.find_next_occurrence(&civil.and_utc(), false).ok()?.naive_utc();
            let at = instants::of(zone, civil)?;
            if at > after {
                return Some(at);
            }
        }
    }

    /// Returns the last time before this one at which it fires in a zone; `None` before the year 1.
    pub fn previous_before(&self, zone: Tz, before: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // The search begins with the second before.
        let second = before.trunc_subsecs(0);
        let before = if second == before { before } else { second + TimeDelta::seconds(1) };
        if !self.names_hours {
            return self.interval_before(zone, before).ok();
        }
        // A time of day that occurs twice is met the first time, so one that the clock shows later may come before.
        let mut civil = before.with_timezone(&zone).naive_local() + instants::LONGEST_OVERLAP;
        loop {
            civil = self.fields.find_previous_occurrence(&civil.and_utc(), false).ok()?.naive_utc();
            let at = instants::of(zone, civil)?;
            if at < before {
                return Some(at);
            }
        }
    }

    fn interval_before(&self, zone: Tz, before: DateTime<Utc>) -> Result<DateTime<Utc>, CronError> {
        let previous = self.fields.find_previous_occurrence(&before.with_timezone(&zone), false)?;
        Ok(previous.to_utc())
    }

    /// Says in English when it fires, without the zone.
    pub fn describe(&self) -> String {
        let said = self.fields.describe();
        said.trim_end_matches('.').to_owned()
    }
}

#[cfg(test)]
mod tests;
