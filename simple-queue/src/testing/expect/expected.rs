//! What is expected of a job beside its arguments.

use std::time::Duration;

use super::Differences;
use crate::store::EnqueuedRow;

/// What is expected of the jobs beside their arguments, the last part of
/// [`assert_enqueued!`](crate::assert_enqueued): `times(3).within(secs(2))`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expected {
    pub(super) times: Option<usize>,
    pub(super) within: Duration,
    queue: Option<String>,
    due_in: Option<Duration>,
    priority: Option<i16>,
}

/// 10 s, by which a due time may differ from what is expected.
const TOLERANCE: f64 = 10.0;

impl Expected {
    /// Expects nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Expects exactly so many jobs; at least one by default.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Waits up to this time for the jobs; by default one look decides. `refute_enqueued!` looks
    /// during all of it.
    #[must_use]
    pub fn within(self, time: Duration) -> Self {
        Self { within: time, ..self }
    }

    /// Expects this queue.
    #[must_use]
    pub fn queue(self, queue: impl Into<String>) -> Self {
        Self { queue: Some(queue.into()), ..self }
    }

    /// Expects a job that is due in this time, or 10 s more or less.
    #[must_use]
    pub fn due_in(self, time: Duration) -> Self {
        Self { due_in: Some(time), ..self }
    }

    /// Expects this priority.
    #[must_use]
    pub fn priority(self, priority: i16) -> Self {
        Self { priority: Some(priority), ..self }
    }

    pub(super) fn compare(&self, row: &EnqueuedRow, differences: &mut Differences) {
        if let Some(queue) = self.queue.as_ref().filter(|queue| **queue != row.job.queue) {
            differences.say(format!("queue is {:?}, not {queue:?}", row.job.queue));
        }
        if let Some(due_in) = self.due_in {
            let (is, expected) = (row.due_in.unwrap_or_default(), due_in.as_secs_f64());
            if (f64::max(is, 0.0) - expected).abs() > TOLERANCE {
                differences.say(format!("{}, not {}", due(is), due(expected)));
            }
        }
        if let Some(priority) = self.priority.filter(|&priority| priority != row.priority) {
            differences.say(format!("priority is {}, not {priority}", row.priority));
        }
    }
}

/// When a job is due, in words: `due now`, `due in 90s`, `due in 25h 1m`.
pub(super) fn due(seconds: f64) -> String {
    let Ok(time) = Duration::try_from_secs_f64(seconds.round()) else {
        return "due now".to_owned();
    };
    let (minutes, seconds) = (time.as_secs() / 60, time.as_secs() % 60);
    match (minutes / 60, minutes % 60) {
        (0, 0) if seconds == 0 => "due now".to_owned(),
        (0, 0 | 1) => format!("due in {}s", time.as_secs()),
        (0, minutes) => format!("due in {minutes}m"),
        (hours, 0) => format!("due in {hours}h"),
        (hours, minutes) => format!("due in {hours}h {minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_due_time_is_as_exact_as_it_is_near() {
        for (seconds, words) in [
            (-5.0, "due now"),
            (0.2, "due now"),
            (89.7, "due in 90s"),
            (150.0, "due in 2m"),
            (3_600.0, "due in 1h"),
            (90_060.0, "due in 25h 1m"),
        ] {
            assert_eq!(due(seconds), words);
        }
    }
}
