//! Templates: options that several declarations share.

use super::JobOptions;

/// A queue and options that several declarations share. `#[job(template = MAILS, retries = 2)]` has
/// all options of `MAILS`, but for its retries.
///
/// ```
/// use std::time::Duration;
/// use simple_queue::{JobTemplate, prelude::*};
///
/// const MAILS: JobTemplate = JobTemplate::new(
///     JobOptions::new().retries(5).backoff(Backoff::EXPONENTIAL).timeout(Duration::from_secs(30)),
/// )
/// .queue("emails");
///
/// #[job(template = MAILS)]
/// async fn send_welcome(user_id: i64) {}
///
/// #[job(template = MAILS, retries = 0)]
/// async fn send_password(user_id: i64) {}
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JobTemplate {
    queue: Option<&'static str>,
    options: JobOptions,
}

impl JobTemplate {
    /// Creates a template of these options, without a queue.
    #[must_use]
    pub const fn new(options: JobOptions) -> Self {
        Self { queue: None, options }
    }

    /// Sets the queue of its jobs.
    #[must_use]
    pub const fn queue(self, queue: &'static str) -> Self {
        Self { queue: Some(queue), ..self }
    }

    /// Returns its options, for a declaration to extend.
    #[must_use]
    pub const fn options(&self) -> JobOptions {
        self.options
    }

    /// Returns its queue, or this one if it has none.
    #[must_use]
    pub const fn queue_or(&self, otherwise: &'static str) -> &'static str {
        match self.queue {
            Some(queue) => queue,
            None => otherwise,
        }
    }
}
