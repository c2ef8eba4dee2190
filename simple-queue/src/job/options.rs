//! The options that a job's declaration fixes.

use std::time::Duration;

use super::Backoff;

/// What a declaration says of all its jobs; the `#[job]` attribute writes it as a constant.
///
/// An option that is left out falls back to the queue's default at the time a job runs, so a later
/// release changes it for jobs that are stored already.
///
/// ```
/// use std::time::Duration;
/// use simple_queue::{Backoff, JobOptions};
///
/// const OPTIONS: JobOptions = JobOptions::new()
///     .max_attempts(6)
///     .backoff(Backoff::EXPONENTIAL)
///     .timeout(Duration::from_secs(30))
///     .priority(-10);
/// # assert_eq!(OPTIONS, OPTIONS);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JobOptions {
    pub(crate) max_attempts: Option<i32>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) priority: i16,
    pub(crate) delay: Option<Duration>,
    pub(crate) expires: Option<Duration>,
    pub(crate) tags: &'static [&'static str],
    pub(crate) concurrency: Option<u32>,
    pub(crate) retain: Option<Duration>,
    pub(crate) on_conflict: OnConflict,
}

/// What becomes of an enqueued job whose unique key a live job has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnConflict {
    /// The live job is left as it is; the caller gets its id.
    #[default]
    Ignore,
    /// A live job that still waits starts anew with the payload and options of the new one; one that
    /// runs is left as it is.
    Replace,
    /// A live job that still waits is put off until the new one would be due, if that is later: of a
    /// burst, only the first is stored and it runs once the burst is over. One that runs is left as it
    /// is.
    Reschedule,
    /// [`Error::Duplicate`](crate::Error::Duplicate), and nothing is stored.
    Error,
}

impl JobOptions {
    /// Options that leave everything to the queue's defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_attempts: None,
            backoff: None,
            timeout: None,
            priority: 0,
            delay: None,
            expires: None,
            tags: &[],
            concurrency: None,
            retain: None,
            on_conflict: OnConflict::Ignore,
        }
    }

    /// How often a job may be started before it counts as failed; at least 1.
    #[must_use]
    pub const fn max_attempts(self, max_attempts: i32) -> Self {
        Self { max_attempts: Some(max_attempts), ..self }
    }

    /// How often a job that failed is run again: one less than [`JobOptions::max_attempts`].
    #[must_use]
    pub const fn retries(self, retries: u16) -> Self {
        self.max_attempts(retries as i32 + 1)
    }

    /// How long to wait between two attempts.
    #[must_use]
    pub const fn backoff(self, backoff: Backoff) -> Self {
        Self { backoff: Some(backoff), ..self }
    }

    /// How long one attempt may take; without it an attempt may take for ever.
    #[must_use]
    pub const fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Jobs of a smaller priority run first; 0 by default.
    #[must_use]
    pub const fn priority(self, priority: i16) -> Self {
        Self { priority, ..self }
    }

    /// How long after it is stored a job is due; at once by default.
    #[must_use]
    pub const fn delay(self, delay: Duration) -> Self {
        Self { delay: Some(delay), ..self }
    }

    /// How long a job may wait to be started, from when it is due on; for ever by default. One that
    /// waited longer is not started and becomes `cancelled`. A job that was started and runs again, after a
    /// failed attempt or because its process ended, may wait as long from its new due time.
    #[must_use]
    pub const fn expires(self, expires: Duration) -> Self {
        Self { expires: Some(expires), ..self }
    }

    /// Free words for people, stored with each job.
    #[must_use]
    pub const fn tags(self, tags: &'static [&'static str]) -> Self {
        Self { tags, ..self }
    }

    /// How many such jobs one process runs at once, at least 1; as many as its queue may by default.
    #[must_use]
    pub const fn concurrency(self, concurrency: u32) -> Self {
        Self { concurrency: Some(concurrency), ..self }
    }

    /// How long a job is kept once it is over; as long as the queue's
    /// [`Retention`](crate::Retention) by default. With zero it is deleted when it is done, and kept as
    /// others are if it fails for good.
    #[must_use]
    pub const fn retain(self, retain: Duration) -> Self {
        Self { retain: Some(retain), ..self }
    }

    /// What becomes of a job whose unique key a live job has already.
    #[must_use]
    pub const fn on_conflict(self, on_conflict: OnConflict) -> Self {
        Self { on_conflict, ..self }
    }
}

impl Default for JobOptions {
    fn default() -> Self {
        Self::new()
    }
}
