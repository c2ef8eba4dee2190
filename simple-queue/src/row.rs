//! A job as it is stored.

mod payload;
mod run;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

pub(crate) use self::{
    payload::{Unread, read_payload},
    run::Run,
};
use crate::{
    Error,
    job::{JobPayload, JobStatus, OnConflict, namespaced, to_json, to_value},
};

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
    /// Made by the client, so that the library can repeat a call whose answer was lost; its order is the
    /// order of creation.
    ///
    /// An id is used once, for as long as its job is remembered. A clone has the same id and is the same job: while
    /// that is live, another insert changes nothing and answers that it is there; when it is over, whether done or
    /// dead, an insert is refused with [`Error::IdUsed`]. To run the same again make a new job, or
    /// [redrive](crate::SimpleQueue::redrive) a dead one.
    pub id: Uuid,
    /// Groups jobs, for cancelling them together; any number of jobs may share one.
    pub fingerprint: Option<String>,
    /// Only one live job may have this key. It is the one in the table: a `#[job]` puts its name and a colon
    /// before what its declaration says.
    pub unique_key: Option<String>,
    /// Where the job waits.
    pub queue: String,
    /// The payload.
    pub job_data: Value,
    /// One of the words of [`JobStatus`].
    pub status: String,
    /// When it was enqueued, by the database's clock; before that by this machine's.
    pub created_at: DateTime<Utc>,
    /// When it is, or was, due; `None` for at once.
    pub run_at: Option<DateTime<Utc>>,
    /// When its row last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// The number of the attempt that runs, from 1; 0 before the first.
    pub attempt: i32,
    /// How often it may be started before it counts as failed; 3 by default.
    pub max_attempts: i32,

    pub(crate) kind: String,
    pub(crate) version: i32,
    /// The payload as it is stored, until somebody wants it as [`Job::job_data`].
    pub(crate) stored: Option<String>,
    /// Why [`Job::job_data`] is `null`, where what it was made of cannot be written as JSON.
    pub(crate) unwritable: Option<String>,
    pub(crate) claim: Option<Claim>,
    pub(crate) made_id: MadeId,
}

/// The id that was made together with a job. It is surely new where that is still the job's, and the job has not
/// been cloned.
#[derive(Debug)]
pub(crate) struct MadeId {
    id: Uuid,
    is_shared: AtomicBool,
}

impl MadeId {
    fn new(id: Uuid) -> Self {
        Self { id, is_shared: AtomicBool::new(false) }
    }

    /// For a job that is stored already.
    pub(crate) fn used() -> Self {
        Self { id: Uuid::nil(), is_shared: AtomicBool::new(true) }
    }

    /// Whether no other job can have this id.
    fn is_new(&self, id: Uuid) -> bool {
        self.id == id && !self.is_shared.load(Ordering::Relaxed)
    }
}

impl Clone for MadeId {
    fn clone(&self) -> Self {
        self.is_shared.store(true, Ordering::Relaxed);
        Self { id: self.id, is_shared: AtomicBool::new(true) }
    }
}

/// What a fetched job carries beside what its handler reads.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) lease: Lease,
    pub(crate) timeout: Option<Duration>,
    pub(crate) reprocess_count: i32,
    pub(crate) crash_count: i32,
    /// It is of no use to anybody any more.
    pub(crate) expired: bool,
    pub(crate) run: Arc<Run>,
}

/// The right to change a running job: every change into or out of running gives it a new number, so
/// a process that was taken for dead can no longer write over its successor's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lease {
    pub(crate) job_id: Uuid,
    pub(crate) worker_id: Uuid,
    pub(crate) number: i64,
}

impl Job {
    /// A job for the given queue, due at once.
    ///
    /// A payload that cannot be written as JSON, because it holds a number that is not finite, for instance,
    /// is refused when the job is inserted; [`Job::job_data`] is `null` until then.
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

    /// Sets [`Job::unique_key`]: while such a job is live, another one is not inserted.
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

    /// Waits until somebody asks for the end of this job while it runs; never ready otherwise.
    ///
    /// Cancel safe.
    pub async fn cancelled(&self) {
        match &self.claim {
            Some(claim) => claim.run.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// Makes [`Job::job_data`] of what is stored.
    ///
    /// # Errors
    /// When it is no JSON that can be read here: nested too deep, for instance.
    pub(crate) fn read_stored(&mut self) -> Result<(), serde_json::Error> {
        if let Some(stored) = self.stored.take() {
            self.job_data = serde_json::from_str(&stored)?;
        }
        Ok(())
    }

    /// What tells this job from the others of its queue: the name of its `#[job]`, or an empty text.
    pub fn kind(&self) -> &str {
        &self.kind
    }
}

/// The payload is left out: it may hold what must not be in a log.
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
    /// A job for the given queue with this payload.
    fn into_job(self, queue: &'static str) -> Job;
}

impl<T: Serialize> JobExt<T> for T {
    fn into_job(self, queue: &'static str) -> Job {
        Job::new(queue, self)
    }
}

/// The version of a payload whose shape has not changed yet.
pub(crate) const FIRST_VERSION: i32 = 1;

/// How often a plain [`Job`] may be started, and a `#[job]` that does not say.
pub(crate) const DEFAULT_MAX_ATTEMPTS: i32 = 3;

/// A row that is still to be inserted.
#[derive(Debug, Clone)]
pub(crate) struct NewJob {
    pub(crate) id: Uuid,
    /// The id was made for this row, so no other row has it.
    pub(crate) has_new_id: bool,
    pub(crate) queue: String,
    pub(crate) kind: String,
    pub(crate) priority: i16,
    /// The payload as JSON text, written once.
    pub(crate) job_data: String,
    /// Why it could not be written.
    pub(crate) unwritable: Option<String>,
    pub(crate) due: Due,
    /// `None` leaves it to the handler that will run the job.
    pub(crate) max_attempts: Option<i32>,
    pub(crate) unique_key: Option<String>,
    pub(crate) fingerprint: Option<String>,
    /// From when it is due on, how long it may wait to be started.
    pub(crate) expires_after: Option<Duration>,
    pub(crate) tags: Vec<String>,
    pub(crate) version: i32,
    /// How long it is kept once it is over; `None` leaves it to the queue.
    pub(crate) retain: Option<Duration>,
    pub(crate) on_conflict: OnConflict,
}

impl NewJob {
    /// Whether it differs from the other in nothing but id, keys, payload and what becomes of it on a conflict.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.queue == other.queue
            && self.kind == other.kind
            && self.priority == other.priority
            && self.due == other.due
            && self.max_attempts == other.max_attempts
            && self.expires_after == other.expires_after
            && self.tags == other.tags
            && self.version == other.version
            && self.retain == other.retain
    }
}

/// When a new job is due. A wait is added to the database's clock, so the caller's may be wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Due {
    Now,
    After(Duration),
    At(DateTime<Utc>),
}

impl NewJob {
    /// The row of a declared job, with the declaration's options.
    ///
    /// # Errors
    /// When serde cannot write the payload, or its key turned out empty.
    pub(crate) fn declared<J: JobPayload>(payload: &J) -> Result<Self, Error> {
        let job_data = to_json(payload).map_err(|problem| Error::InvalidPayload {
            queue: J::QUEUE.to_owned(),
            problem: problem.to_string(),
        })?;
        let unique_key = payload.unique_key().map(|key| declared_key::<J>(&key)).transpose()?;
        Ok(Self {
            id: Uuid::now_v7(),
            has_new_id: true,
            queue: J::QUEUE.to_owned(),
            kind: J::KIND.to_owned(),
            priority: J::OPTIONS.priority,
            job_data,
            unwritable: None,
            due: J::OPTIONS.delay.map_or(Due::Now, Due::After),
            max_attempts: None,
            unique_key,
            fingerprint: payload.fingerprint(),
            expires_after: J::OPTIONS.expires,
            tags: J::OPTIONS.tags.iter().map(|&tag| tag.to_owned()).collect(),
            version: J::VERSION,
            retain: J::OPTIONS.retain,
            on_conflict: J::OPTIONS.on_conflict,
        })
    }
}

/// A key of a declared job as it is stored: two kinds never share one by chance.
pub(crate) fn declared_key<J: JobPayload>(key: &str) -> Result<String, Error> {
    if key.is_empty() {
        return Err(Error::InvalidKey {
            what: "unique key",
            key: namespaced(J::KIND, ""),
            problem: "it came out empty, so it would hold for every such job",
        });
    }
    Ok(namespaced(J::KIND, key))
}

impl From<Job> for NewJob {
    fn from(job: Job) -> Self {
        // What has been put in its place since is as good as any.
        let unwritable = job.unwritable.filter(|_| job.job_data.is_null());
        Self {
            id: job.id,
            has_new_id: job.made_id.is_new(job.id),
            queue: job.queue,
            kind: job.kind,
            priority: 0,
            job_data: job.stored.unwrap_or_else(|| job.job_data.to_string()),
            unwritable,
            due: job.run_at.map_or(Due::Now, Due::At),
            max_attempts: Some(job.max_attempts),
            unique_key: job.unique_key,
            fingerprint: job.fingerprint,
            expires_after: None,
            tags: Vec::new(),
            version: job.version,
            retain: None,
            on_conflict: OnConflict::Ignore,
        }
    }
}
