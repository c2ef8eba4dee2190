//! The typed interface for enqueuing.

use std::{fmt, marker::PhantomData, pin::Pin, time::Duration};

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::{EnqueueOn, EnqueueOutcome, Inserted, Target, insert::insert};
use crate::{
    Error,
    job::{JobPayload, OnConflict, UniqueWhile, to_json},
    row::{Due, NewJob, declared_key},
};

/// A job with its options, not stored yet.
#[derive(Debug, Clone)]
#[must_use = "a job is only stored when `.enqueue(..)` is awaited"]
pub struct Enqueue<J> {
    job: J,
    due: Option<Due>,
    priority: Option<i16>,
    queue: Option<String>,
    max_attempts: Option<i32>,
    unique_key: Option<String>,
    on_conflict: Option<OnConflict>,
    expires: Option<Duration>,
    tags: Vec<String>,
    timeout: Option<Duration>,
    /// The payload as JSON, or the reason why it cannot be written.
    metadata: Option<Result<String, String>>,
    unique_for: Option<Duration>,
    unique_while: Option<UniqueWhile>,
}

impl<J: JobPayload> Enqueue<J> {
    /// Creates a job with the options of its declaration.
    pub fn new(job: J) -> Self {
        Self {
            job,
            due: None,
            priority: None,
            queue: None,
            max_attempts: None,
            unique_key: None,
            on_conflict: None,
            expires: None,
            tags: Vec::new(),
            timeout: None,
            metadata: None,
            unique_for: None,
            unique_while: None,
        }
    }

    /// Sets a delay. The database's clock counts it from the moment the job is stored.
    #[doc(alias = "schedule")]
    pub fn delay(self, delay: Duration) -> Self {
        Self { due: Some(Due::After(delay)), ..self }
    }

    /// Sets the due time; a time in the past means now.
    #[doc(alias = "schedule")]
    pub fn at(self, at: DateTime<Utc>) -> Self {
        Self { due: Some(Due::At(at)), ..self }
    }

    /// Sets the priority; jobs of a smaller number run first.
    pub fn priority(self, priority: i16) -> Self {
        Self { priority: Some(priority), ..self }
    }

    /// Sets another queue than the declared one. A worker runs the job there if it was registered
    /// with [`also_on`](crate::typed::JobList::also_on), or if a handler of that queue takes every
    /// kind.
    pub fn queue(self, queue: impl Into<String>) -> Self {
        Self { queue: Some(queue.into()), ..self }
    }

    /// Sets the number of retries. The job keeps it, even if its declaration changes.
    pub fn retries(self, retries: u16) -> Self {
        Self { max_attempts: Some(i32::from(retries) + 1), ..self }
    }

    /// Sets another unique key than the declared one. The stored key begins with the job's kind
    /// here, too.
    pub fn unique_key(self, key: impl Into<String>) -> Self {
        Self { unique_key: Some(key.into()), ..self }
    }

    /// Sets what happens if its unique key is taken. It overrides the declaration.
    pub fn on_conflict(self, on_conflict: OnConflict) -> Self {
        Self { on_conflict: Some(on_conflict), ..self }
    }

    /// Sets how long its unique key stays taken, whatever becomes of the job; more than zero, up to
    /// 3,650 days. It overrides the declaration.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use simple_queue::prelude::*;
    /// #[job(queue = "emails", unique = "{user_id}")]
    /// async fn remind(user_id: i64) {}
    ///
    /// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// Remind::new(7).unique_for(Duration::from_hours(24)).enqueue(queue).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unique_for(self, time: Duration) -> Self {
        Self { unique_for: Some(time), ..self }
    }

    /// Sets in which states a live job holds this job's unique key. It overrides the declaration.
    pub fn unique_while(self, unique_while: UniqueWhile) -> Self {
        Self { unique_while: Some(unique_while), ..self }
    }

    /// Sets how long the job may wait after its due time; one that waited longer is not started and
    /// becomes `cancelled`. If the job runs again, the time counts from its new due time.
    pub fn expires(self, expires: Duration) -> Self {
        Self { expires: Some(expires), ..self }
    }

    /// Adds tags for people to those of the declaration.
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Sets the timeout of one attempt. It overrides the declaration.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Attaches metadata, which is not an argument of the job: a trace, a tenant, the user who
    /// asked for it. It must serialize as a JSON object of at most 64 KiB.
    /// [`JobContext::metadata`](crate::JobContext::metadata) reads it while the job runs.
    ///
    /// ```
    /// # use simple_queue::prelude::*;
    /// #[job(queue = "reports")]
    /// async fn report(context: &JobContext, month: u32) -> Result<(), BoxDynError> {
    ///     let metadata: Option<serde_json::Value> = context.metadata().await?;
    ///     println!("asked for by {:?}", metadata.and_then(|it| it.get("by").cloned()));
    ///     Ok(())
    /// }
    ///
    /// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// Report::new(7).metadata(serde_json::json!({ "by": "ada" })).enqueue(queue).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn metadata(self, metadata: impl Serialize) -> Self {
        let metadata = to_json(&metadata).map_err(|problem| problem.to_string());
        Self { metadata: Some(metadata), ..self }
    }

    /// Stores the job.
    ///
    /// # Errors
    /// When the payload or its key cannot be stored, which is checked before anything is written;
    /// or when the database fails.
    ///
    /// # Cancel safety
    /// A call that is dropped before it is ready may have stored the job.
    pub async fn enqueue<'e>(self, on: impl EnqueueOn<'e>) -> Result<Enqueued<J>, Error> {
        let mut inserted = insert_boxed(on.target(), vec![self.into_row()?]).await?;
        Ok(Enqueued::from(inserted.remove(0)))
    }

    pub(crate) fn into_row(self) -> Result<NewJob, Error> {
        let mut row = NewJob::declared(&self.job)?;
        row.due = self.due.unwrap_or(row.due);
        row.priority = self.priority.unwrap_or(row.priority);
        row.queue = self.queue.unwrap_or(row.queue);
        row.max_attempts = self.max_attempts.or(row.max_attempts);
        row.expires_after = self.expires.or(row.expires_after);
        row.on_conflict = self.on_conflict.unwrap_or(row.on_conflict);
        row.tags.extend(self.tags);
        row.timeout = self.timeout;
        row.unique_while = self.unique_while.unwrap_or(row.unique_while);
        let metadata = self.metadata.transpose();
        row.metadata =
            metadata.map_err(|problem| Error::InvalidOption { option: "metadata", problem })?;
        if let Some(key) = self.unique_key {
            row.unique_key = Some(declared_key::<J>(&key)?);
        }
        row.unique_for = match (self.unique_for, &row.unique_key) {
            (Some(_), None) => {
                let problem = "the job has no unique key".to_owned();
                return Err(Error::InvalidOption { option: "unique_for", problem });
            }
            // A template may have it for jobs without a key too.
            (None, None) => None,
            (time, Some(_)) => time.or(row.unique_for),
        };
        Ok(row)
    }
}

impl<J: JobPayload> From<J> for Enqueue<J> {
    fn from(job: J) -> Self {
        Self::new(job)
    }
}

/// Stores any number of jobs together: all, or none if an error is returned. They are jobs as
/// declared, or jobs with options of their own.
///
/// Jobs that differ only in payload and fingerprint are stored fastest.
///
/// # Errors
/// As for one job; the error names the first job that cannot be stored. If the database's answer
/// was lost for good, the jobs may have been stored. On a bare connection a large batch, or one
/// with keys, is all or none only within a transaction of yours.
///
/// # Cancel safety
/// A call that is dropped before it is ready may have stored the jobs.
pub async fn enqueue_all<'e, J: JobPayload>(
    jobs: impl IntoIterator<Item = impl Into<Enqueue<J>>> + Send,
    on: impl EnqueueOn<'e>,
) -> Result<Vec<Enqueued<J>>, Error> {
    let rows = jobs.into_iter().map(|job| job.into().into_row()).collect::<Result<Vec<_>, _>>()?;
    let inserted = insert_boxed(on.target(), rows).await?;
    Ok(inserted.into_iter().map(Enqueued::from).collect())
}

/// The insert is boxed, so the compiler proves it `Send` once here and not again for every job: 24
/// ms instead of 135 ms for each job.
fn insert_boxed(
    target: Target<'_>,
    rows: Vec<NewJob>,
) -> Pin<Box<dyn Future<Output = Result<Vec<Inserted>, Error>> + Send + '_>> {
    Box::pin(insert(target, rows))
}

/// Result of an enqueue.
pub struct Enqueued<J> {
    id: Uuid,
    outcome: EnqueueOutcome,
    payload: PhantomData<fn() -> J>,
}

impl<J> Enqueued<J> {
    /// Returns the job's id. If the job was not stored, this is the id of the job that has its key:
    /// a live job, or one that [keeps it](crate::JobOptions::unique_for) and may have ended.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Returns whether the job was stored, or another job has its key.
    pub fn outcome(&self) -> EnqueueOutcome {
        self.outcome
    }

    /// Returns whether this call stored the job. A spooled job counts as new; of one with a unique key
    /// that is not known yet.
    pub fn is_new(&self) -> bool {
        matches!(self.outcome, EnqueueOutcome::Inserted | EnqueueOutcome::Spooled)
    }

    /// Returns whether the database could not be reached and the job is in a file of the
    /// [spool](crate::SimpleQueueBuilder::spool) instead. Until it is back, no other call knows the
    /// job: [`SimpleQueue::status`](crate::SimpleQueue::status) and `wait` find none of this id.
    pub fn is_spooled(&self) -> bool {
        self.outcome == EnqueueOutcome::Spooled
    }
}

impl<J> From<Inserted> for Enqueued<J> {
    fn from(Inserted { id, outcome }: Inserted) -> Self {
        Self { id, outcome, payload: PhantomData }
    }
}

impl<J> fmt::Debug for Enqueued<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enqueued").field("id", &self.id).field("outcome", &self.outcome).finish()
    }
}
