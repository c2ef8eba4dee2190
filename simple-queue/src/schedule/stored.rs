//! The stored form of a schedule.

use std::time::Duration;

use super::{Schedule, When};
use crate::{
    Error, ScheduleError,
    job::{Misfire, Overlap},
};

/// A schedule as it is stored. Another release, or a hand, may have written it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct StoredRule {
    pub(crate) cron: Option<String>,
    pub(crate) zone: String,
    pub(crate) every: Option<Duration>,
    pub(crate) misfire: String,
    pub(crate) overlap: String,
}

const MISFIRES: [(&str, Misfire); 3] =
    [("coalesce", Misfire::Coalesce), ("skip", Misfire::Skip), ("backfill", Misfire::Backfill)];

const OVERLAPS: [(&str, Overlap); 3] =
    [("allow", Overlap::Allow), ("skip", Overlap::Skip), ("queue", Overlap::Queue)];

impl Schedule {
    /// Its stored form.
    pub(crate) fn stored(&self) -> StoredRule {
        let (cron, zone, every) = match &self.when {
            When::Cron { cron, zone } => (Some(cron.as_str().to_owned()), zone.name(), None),
            When::Every(time) => (None, "UTC", Some(*time)),
        };
        StoredRule {
            cron,
            zone: zone.to_owned(),
            every,
            misfire: word_of(&MISFIRES, self.misfire),
            overlap: word_of(&OVERLAPS, self.overlap),
        }
    }
}

impl StoredRule {
    /// Reads it.
    ///
    /// # Errors
    /// When this release does not know it.
    pub(crate) fn read(&self) -> Result<Schedule, Error> {
        let schedule = match (&self.cron, self.every) {
            (Some(cron), _) => Schedule::cron(cron)?.tz(&self.zone)?,
            (None, Some(time)) => Schedule::every(rounded(time))?,
            (None, None) => return Err(ScheduleError::invalid("", "it has no rule")),
        };
        let misfire = meant_by(&MISFIRES, &self.misfire, "misfire")?;
        let overlap = meant_by(&OVERLAPS, &self.overlap, "overlap")?;
        Ok(schedule.misfire(misfire).overlap(overlap))
    }
}

/// The database's seconds have a fraction that floats cannot hold.
fn rounded(time: Duration) -> Duration {
    let millis = (time + Duration::from_micros(500)).as_millis();
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

fn word_of<T: PartialEq + Copy>(words: &[(&str, T)], value: T) -> String {
    let found = words.iter().find(|(_, known)| *known == value);
    found.map_or_else(String::new, |(word, _)| (*word).to_owned())
}

fn meant_by<T: Copy>(words: &[(&str, T)], word: &str, what: &str) -> Result<T, Error> {
    let found = words.iter().find(|(known, _)| *known == word).map(|&(_, value)| value);
    found.ok_or_else(|| {
        ScheduleError::invalid(what, format!("`{word}` is unknown; a newer release may know it"))
    })
}
