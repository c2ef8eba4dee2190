//! A job of the plain interface. Every running job has this form.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::Claim;
use crate::job::{JobStatus, to_value};

/// A job of the plain interface: what is to be stored, and what a handler is given.
///
/// ```
/// use serde_json::json;
/// use simple_queue::Job;
///
/// let job = Job::new("emails", json!({"user_id": 42})).with_unique_key("welcome:42");
/// assert_eq!(job.max_attempts, 3);
/// ```
#[derive(Clone)]
pub struct Job {
    /// The id. The client makes it, so that the library can repeat a call whose answer was lost. Ids are ordered by
    /// creation.
    ///
    /// An id is used once, for as long as its job is remembered. A clone has the same id and is the same job: while
    /// that job is live, another insert changes nothing and reports that it exists; once it is completed or dead, an
    /// insert is refused with [`Error::IdUsed`](crate::Error::IdUsed). To run the same work again make a new job, or
    /// [retry](crate::Admin::retry) a dead one.
    pub id: Uuid,
    /// Groups jobs, so that they can be cancelled together. Any number of jobs may share a fingerprint.
    pub fingerprint: Option<String>,
    /// The unique key: at most one live job has it. This is the key as it is stored: a `#[job]` prefixes its declared
    /// key with its name and a colon.
    pub unique_key: Option<String>,
    /// The queue.
    pub queue: String,
    /// The payload.
    pub job_data: Value,
    /// The status, one of the words of [`JobStatus`].
    pub status: String,
    /// When the job was enqueued, by the database's clock; before that, by this machine's clock.
    pub created_at: DateTime<Utc>,
    /// When the job is or was due; `None` for at once.
    pub run_at: Option<DateTime<Utc>>,
    /// When the row last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// The number of the attempt that runs, from 1; 0 before the first.
    pub attempt: i32,
    /// The number of attempts before the job counts as failed; 3 by default.
    pub max_attempts: i32,

    pub(crate) kind: String,
    pub(crate) version: i32,
    /// The payload as it is stored, until [`Job::job_data`] is needed.
    pub(crate) stored: Option<String>,
    /// Why [`Job::job_data`] is `null`, if the payload cannot be written as JSON.
    pub(crate) unwritable: Option<String>,
    pub(crate) claim: Option<Claim>,
    pub(crate) made_id: MadeId,
}

/// The id that was made together with a job. It is certainly new if the job still has it and was not cloned.
#[derive(Debug)]
pub(crate) struct MadeId {
    id: Uuid,
    is_shared: AtomicBool,
}

impl MadeId {
    pub(super) fn new(id: Uuid) -> Self {
        Self { id, is_shared: AtomicBool::new(false) }
    }

    /// For a job that is already stored.
    pub(crate) fn used() -> Self {
        Self { id: Uuid::nil(), is_shared: AtomicBool::new(true) }
    }

    /// Whether no other job can have this id.
    pub(super) fn is_new(&self, id: Uuid) -> bool {
        self.id == id && !self.is_shared.load(Ordering::Relaxed)
    }
}

impl Clone for MadeId {
    fn clone(&self) -> Self {
        self.is_shared.store(true, Ordering::Relaxed);
        Self { id: self.id, is_shared: AtomicBool::new(true) }
    }
}

impl Job {
    /// Makes a job for the given queue, due at once.
    ///
    /// A payload that cannot be written as JSON, for example because it holds a number that is not finite, is refused
    /// when the job is inserted; [`Job::job_data`] is `null` until then.
    #[expect(clippy::disallowed_methods, reason = "shown only until the database has set its own")]
    pub fn new(queue: impl Into<String>, job_data: impl Serialize) -> Self {
        let (job_data, unwritable) = match to_value(&job_data) {
            Ok(job_data) => (job_data, None),
            Err(problem) => (Value::Null, Some(problem.to_string())),
        };
        let id = Uuid::now_v7();
        Self {
            id,
            fingerprint: None,
            unique_key: None,
            queue: queue.into(),
            job_data,
            status: JobStatus::Pending.as_str().to_owned(),
            created_at: Utc::now(),
            run_at: None,
            updated_at: None,
            attempt: 0,
            max_attempts: DEFAULT_MAX_ATTEMPTS,
            kind: String::new(),
            version: FIRST_VERSION,
            stored: None,
            unwritable,
            claim: None,
            made_id: MadeId::new(id),
        }
    }

    /// Sets [`Job::unique_key`]: while a job with this key is live, another one is not inserted.
    #[must_use]
    pub fn with_unique_key(self, unique_key: impl Into<String>) -> Self {
        Self { unique_key: Some(unique_key.into()), ..self }
    }

    /// Sets [`Job::run_at`]; a time in the past means at once.
    #[must_use]
    pub fn with_run_at(self, run_at: DateTime<Utc>) -> Self {
        Self { run_at: Some(run_at), ..self }
    }

    /// Sets [`Job::max_attempts`].
    #[must_use]
    pub fn with_max_attempts(self, max_attempts: i32) -> Self {
        Self { max_attempts, ..self }
    }

    /// Sets [`Job::fingerprint`].
    #[must_use]
    pub fn with_fingerprint(self, fingerprint: impl Into<String>) -> Self {
        Self { fingerprint: Some(fingerprint.into()), ..self }
    }

    /// Waits until the cancellation of this job is requested while it runs; never ready otherwise.
    ///
    /// Cancel safe.
    pub async fn cancelled(&self) {
        match &self.claim {
            Some(claim) => claim.run.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// Parses the stored payload into [`Job::job_data`].
    ///
    /// # Errors
    /// When it is not JSON that can be read here, for example because it is nested too deeply.
    pub(crate) fn read_stored(&mut self) -> Result<(), serde_json::Error> {
        if let Some(stored) = self.stored.take() {
            self.job_data = serde_json::from_str(&stored)?;
        }
        Ok(())
    }

    /// The kind: the name of its `#[job]`, or an empty text for a plain job.
    pub fn kind(&self) -> &str {
        &self.kind
    }
}

/// The payload is left out: it may hold values that must not be logged.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id)
            .field("queue", &self.queue)
            .field("kind", &self.kind)
            .field("status", &self.status)
            .field("attempt", &self.attempt)
            .field("max_attempts", &self.max_attempts)
            .field("run_at", &self.run_at)
            .finish_non_exhaustive()
    }
}

/// Turns any payload into a [`Job`] of the plain interface.
pub trait JobExt<T> {
    /// Makes a job for the given queue with this payload.
    fn into_job(self, queue: &'static str) -> Job;
}

impl<T: Serialize> JobExt<T> for T {
    fn into_job(self, queue: &'static str) -> Job {
        Job::new(queue, self)
    }
}

/// 1: the version of a payload whose shape has not changed yet.
pub(crate) const FIRST_VERSION: i32 = 1;

/// 3 attempts for a plain [`Job`], and for a `#[job]` without `retries`.
pub(crate) const DEFAULT_MAX_ATTEMPTS: i32 = 3;
