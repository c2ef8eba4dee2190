//! Options of a job's declaration.

use std::time::Duration;

use super::{AfterFailure, Backoff, KeyLimit, Limit, Rate, limit::MOST_OF_A_LIMIT};

/// Options for all jobs of a declaration; the `#[job]` attribute writes them as a constant.
///
/// An option that is not set falls back to the queue's default when a job runs. So a later release
/// can change it for stored jobs.
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
    pub(crate) concurrency_limit: Option<u32>,
    pub(crate) rate: Option<Rate>,
    pub(crate) limits: &'static [Limit],
    pub(crate) key_limit: Option<KeyLimit>,
    pub(crate) retain: Option<Duration>,
    pub(crate) on_conflict: OnConflict,
    pub(crate) unique_for: Option<Duration>,
    pub(crate) unique_while: UniqueWhile,
    pub(crate) spool: Option<bool>,
}

/// What happens when an enqueued job's unique key is taken: by a live job, or by one that
/// [keeps it](JobOptions::unique_for).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnConflict {
    /// The job that has the key stays as it is; the caller gets its id.
    #[default]
    Ignore,
    /// If the job that has the key still waits, it starts anew with the payload and options of the
    /// new one. If it runs or has ended, it stays as it is.
    Replace,
    /// If the job that has the key still waits, it gets the new job's due time, if that is later. So
    /// of a burst only the first job is stored, and it runs after the burst. If it runs or has
    /// ended, it stays as it is.
    Reschedule,
    /// The call returns [`Error::Duplicate`](crate::Error::Duplicate), and nothing is stored.
    Error,
}

impl OnConflict {
    const ALL: [Self; 4] = [Self::Ignore, Self::Replace, Self::Reschedule, Self::Error];

    /// The word for it outside of the process.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Replace => "replace",
            Self::Reschedule => "reschedule",
            Self::Error => "error",
        }
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|option| option.word() == word)
    }
}

/// The states in which a live job holds its unique key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum UniqueWhile {
    /// The job holds its key while it waits and while it runs.
    #[default]
    Running,
    /// The job holds its key while it waits. A new job takes the key over from a job that runs, and
    /// both may run at once. The older job stays without a key: its row, its archive and its dead
    /// letter show none, and it waits without one if it runs again after a failure or a crash.
    Pending,
}

impl UniqueWhile {
    const ALL: [Self; 2] = [Self::Running, Self::Pending];

    /// The word for it outside of the process.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Pending => "pending",
        }
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|option| option.word() == word)
    }
}

impl JobOptions {
    /// Creates options that leave everything to the queue's defaults.
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
            concurrency_limit: None,
            rate: None,
            limits: &[],
            key_limit: None,
            retain: None,
            on_conflict: OnConflict::Ignore,
            unique_for: None,
            unique_while: UniqueWhile::Running,
            spool: None,
        }
    }

    /// Sets how often a job may be started before it counts as failed; at least 1.
    #[must_use]
    pub const fn max_attempts(self, max_attempts: i32) -> Self {
        Self { max_attempts: Some(max_attempts), ..self }
    }

    /// Sets how often a failed job is run again: one less than [`JobOptions::max_attempts`].
    #[must_use]
    pub const fn retries(self, retries: u16) -> Self {
        self.max_attempts(retries as i32 + 1)
    }

    /// Sets the back-off between attempts.
    #[must_use]
    pub const fn backoff(self, backoff: Backoff) -> Self {
        Self { backoff: Some(backoff), ..self }
    }

    /// Sets the timeout of one attempt; no limit by default.
    #[must_use]
    pub const fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Sets the priority; jobs of a smaller number run first. 0 by default.
    #[must_use]
    pub const fn priority(self, priority: i16) -> Self {
        Self { priority, ..self }
    }

    /// Sets the delay between the enqueue and the due time; none by default.
    #[must_use]
    pub const fn delay(self, delay: Duration) -> Self {
        Self { delay: Some(delay), ..self }
    }

    /// Sets how many jobs of one key run at once, in all processes together; at least 1. The key is
    /// what [`JobPayload::limit_key`](crate::typed::JobPayload::limit_key) returns. It holds for the
    /// jobs of this kind in one queue.
    ///
    /// # Panics
    /// When it is 0, or above 1,000,000.
    #[must_use]
    pub const fn concurrency_per_key(self, limit: u32) -> Self {
        assert!(limit > 0, "a limit of 0 would stop its jobs: pause it with `SimpleQueue::limits`");
        assert!(limit <= MOST_OF_A_LIMIT, "a limit is at most 1,000,000");
        self.with_key_limit(KeyLimit { most: Some(limit), ..self.key_limit() })
    }

    /// Sets how many jobs of one key start in a time, in all processes together. The key is what
    /// [`JobPayload::limit_key`](crate::typed::JobPayload::limit_key) returns. It holds for the jobs
    /// of this kind in one queue.
    #[must_use]
    pub const fn rate_per_key(self, rate: Rate) -> Self {
        self.with_key_limit(KeyLimit { rate: Some(rate), ..self.key_limit() })
    }

    /// Sets that each job takes as many tokens of its [rate](JobOptions::rate_per_key) as
    /// [`JobPayload::cost`](crate::typed::JobPayload::cost) says. Without it a job takes one.
    #[must_use]
    pub const fn with_costs(self) -> Self {
        self.with_key_limit(KeyLimit { has_costs: true, ..self.key_limit() })
    }

    /// Sets that the jobs of one key run one after another, in the order in which they are due. The
    /// key is what [`JobPayload::limit_key`](crate::typed::JobPayload::limit_key) returns.
    #[must_use]
    pub const fn in_order(self, after_failure: AfterFailure) -> Self {
        self.with_key_limit(KeyLimit { order: Some(after_failure), ..self.key_limit() })
    }

    /// Sets that the jobs of each key have their turn, however many of another one wait. The key is
    /// what [`JobPayload::limit_key`](crate::typed::JobPayload::limit_key) returns.
    ///
    /// # Panics
    /// When there is a limit for each key, whose keys have turns in any case.
    #[must_use]
    pub const fn fair_per_key(self) -> Self {
        self.with_key_limit(KeyLimit { is_fair: true, ..self.key_limit() })
    }

    const fn key_limit(&self) -> KeyLimit {
        match self.key_limit {
            Some(limit) => limit,
            None => KeyLimit::NONE,
        }
    }

    const fn with_key_limit(self, limit: KeyLimit) -> Self {
        assert!(
            !limit.is_fair || limit.most.is_none() && limit.order.is_none() && limit.rate.is_none(),
            "keys with a limit have turns in any case: leave `fair_per_key` or the limit out"
        );
        Self { key_limit: Some(limit), ..self }
    }

    /// Sets how long a job may wait after its due time; no limit by default. A job that waited
    /// longer is not started and becomes `cancelled`. For a job that runs again, after a failed
    /// attempt or a crash, the time counts from its new due time.
    #[must_use]
    pub const fn expires(self, expires: Duration) -> Self {
        Self { expires: Some(expires), ..self }
    }

    /// Sets tags for people, stored with each job.
    #[must_use]
    pub const fn tags(self, tags: &'static [&'static str]) -> Self {
        Self { tags, ..self }
    }

    /// Sets how many of these jobs one process runs at once, at least 1; by default only the
    /// queue's limit applies.
    #[must_use]
    pub const fn concurrency(self, concurrency: u32) -> Self {
        Self { concurrency: Some(concurrency), ..self }
    }

    /// Sets how many of these jobs run at once in all processes together; no limit by default.
    ///
    /// # Panics
    /// When it is 0, or above 1,000,000. In a constant that is a compile error.
    #[must_use]
    pub const fn concurrency_limit(self, limit: u32) -> Self {
        assert!(
            limit > 0 && limit <= MOST_OF_A_LIMIT,
            "a limit is from 1 to 1,000,000; to stop the jobs, pause it with `SimpleQueue::limits`"
        );
        Self { concurrency_limit: Some(limit), ..self }
    }

    /// Sets how many of these jobs start in a time, in all processes together; no limit by default.
    #[must_use]
    pub const fn rate(self, rate: Rate) -> Self {
        Self { rate: Some(rate), ..self }
    }

    /// Sets the limits that these jobs share with others; none by default. A job starts only with a
    /// permit or a token of each.
    ///
    /// ```
    /// use simple_queue::{JobOptions, Limit};
    ///
    /// const PAYMENTS: Limit = Limit::named("payments").concurrency(50);
    /// const OPTIONS: JobOptions = JobOptions::new().limits(&[PAYMENTS]);
    /// # assert_eq!(OPTIONS, OPTIONS);
    /// ```
    #[must_use]
    pub const fn limits(self, limits: &'static [Limit]) -> Self {
        Self { limits, ..self }
    }

    /// Sets how long a job is kept after it has ended; by default the queue's
    /// [`Retention`](crate::Retention) applies. With zero a completed job is deleted at once, and a
    /// dead letter is kept as usual.
    #[must_use]
    pub const fn retain(self, retain: Duration) -> Self {
        Self { retain: Some(retain), ..self }
    }

    /// Sets what happens if the unique key is taken.
    #[must_use]
    pub const fn on_conflict(self, on_conflict: OnConflict) -> Self {
        Self { on_conflict, ..self }
    }

    /// Sets how long the unique key stays taken, from the enqueue of the job that took it and
    /// whatever becomes of that job; more than zero, up to 3,650 days. While the job is live it
    /// holds its key in any case, and by default it holds it no longer. Jobs without a key ignore
    /// it.
    ///
    /// [`SimpleQueue::release_key`](crate::SimpleQueue::release_key) frees the key earlier.
    #[must_use]
    pub const fn unique_for(self, time: Duration) -> Self {
        Self { unique_for: Some(time), ..self }
    }

    /// Sets in which states a live job holds its unique key; while it waits or runs by default.
    ///
    /// The new job's option decides, not that of the job that has the key.
    #[must_use]
    pub const fn unique_while(self, unique_while: UniqueWhile) -> Self {
        Self { unique_while, ..self }
    }

    /// Sets whether these jobs are [spooled](crate::SimpleQueueBuilder::spool) while the database
    /// is away. With `false` the enqueue returns the error. With `true` jobs with a unique key are
    /// spooled too. By default those are spooled as [`Spool::keyed`](crate::Spool::keyed) says, and
    /// all others are. A queue without a spool ignores it.
    #[must_use]
    pub const fn spool(self, spool: bool) -> Self {
        Self { spool: Some(spool), ..self }
    }
}

impl Default for JobOptions {
    fn default() -> Self {
        Self::new()
    }
}
