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
        }
    }

    /// How often a job may be started before it counts as failed; at least 1.
    #[must_use]
    pub const fn max_attempts(self, max_attempts: i32) -> Self {
        Self { max_attempts: Some(max_attempts), ..self }
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
    /// waited longer is not started and becomes `cancelled`.
    #[must_use]
    pub const fn expires(self, expires: Duration) -> Self {
        Self { expires: Some(expires), ..self }
    }

    /// Free words for people, stored with each job.
    #[must_use]
    pub const fn tags(self, tags: &'static [&'static str]) -> Self {
        Self { tags, ..self }
    }
}

impl Default for JobOptions {
    fn default() -> Self {
        Self::new()
    }
}
