//! Retention of finished jobs.

use std::time::Duration;

/// Retention of finished jobs whose declaration has no `retain`.
///
/// ```
/// use std::time::Duration;
/// use simple_queue::Retention;
///
/// let week = Duration::from_hours(7 * 24);
/// let retention = Retention::new().archive(week);
/// assert!(retention.dead_letters > week);
///
/// // No history: a job that is done is deleted.
/// let none = Retention::new().archive(Duration::ZERO);
/// # assert_eq!(none.dead_letters, retention.dead_letters);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// Retention of completed jobs; 30 days by default. Whole days (UTC) are dropped when all of
    /// their jobs are older.
    ///
    /// Zero keeps none: a job is deleted when it completes. That costs the database about a third
    /// less. Then nothing remembers the job: waiting for its end, or asking for its status, returns
    /// [`UnknownJob`](crate::Error::UnknownJob). An enqueue that the library repeats because its
    /// answer was lost may store a job again that has run meanwhile.
    pub archive: Duration,
    /// Retention of dead letters; 90 days by default.
    pub dead_letters: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self::new()
    }
}

impl Retention {
    /// Returns the defaults: 30 days for completed jobs, 90 for dead letters.
    #[must_use]
    pub const fn new() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self { archive: DAY.saturating_mul(30), dead_letters: DAY.saturating_mul(90) }
    }

    /// Sets [`Retention::archive`].
    #[must_use]
    pub const fn archive(self, archive: Duration) -> Self {
        Self { archive, ..self }
    }

    /// Sets [`Retention::dead_letters`].
    #[must_use]
    pub const fn dead_letters(self, dead_letters: Duration) -> Self {
        Self { dead_letters, ..self }
    }

    /// Whether completed jobs without their own `retain` go to the archive.
    pub(crate) fn keeps_completed(&self) -> bool {
        !self.archive.is_zero()
    }
}
