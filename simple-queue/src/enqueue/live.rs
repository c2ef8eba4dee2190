//! Live jobs, found and cancelled by what they were declared with: their unique key or fingerprint.

use std::{fmt, marker::PhantomData, ops::Deref, pin::Pin};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{EnqueueOn, Target};
use crate::{
    Error,
    job::JobPayload,
    row::{Job, Unread, declared_key, read_payload},
    store::Store,
};

/// What these calls answer with: boxed, so that the compiler proves it `Send` once and not for every job.
type Answer<'e, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'e>>;

/// A job that was found by its key. What every job has is that of the [`Job`], to which it derefs.
///
/// ```no_run
/// # use simple_queue::prelude::*;
/// #[job(queue = "emails", unique = "welcome:{user_id}")]
/// async fn send_welcome(user_id: i64, template: String) {}
///
/// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
/// if let Some(found) = SendWelcome::find(42, queue).await? {
///     println!("{} is {}, with {}", found.id, found.status, found.payload()?.template);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Found<J> {
    job: Job,
    payload: PhantomData<fn() -> J>,
}

impl<J: JobPayload> Found<J> {
    /// What is stored with it, brought to this build's version.
    ///
    /// # Errors
    /// [`Error::UnreadablePayload`] when it does not fit, or a later build stored it.
    pub fn payload(&self) -> Result<J, Error> {
        let job_id = self.job.id;
        read_payload(&self.job).map_err(|unread| {
            let problem = match unread {
                Unread::OfNewerBuild => {
                    format!("a later build stored it, of version {}", self.job.version)
                }
                Unread::Unfit(problem) => problem,
            };
            Error::UnreadablePayload { job_id, problem }
        })
    }
}

impl<J> Deref for Found<J> {
    type Target = Job;

    fn deref(&self) -> &Job {
        &self.job
    }
}

impl<J> From<Found<J>> for Job {
    fn from(found: Found<J>) -> Self {
        found.job
    }
}

impl<J> fmt::Debug for Found<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.job.fmt(f)
    }
}

/// The live job of this kind that has the key.
pub fn find<'e, J: JobPayload>(key: &str, on: impl EnqueueOn<'e>) -> Answer<'e, Option<Found<J>>> {
    let (key, target) = (declared_key::<J>(key), on.target());
    Box::pin(async move {
        let key = key?;
        let asked =
            target.ask(async |connection, store| store.find_live_job(connection, &key).await);
        let found = asked.await.map_err(Error::database("find a job by its unique key"))?;
        Ok(found.map(|job| Found { job, payload: PhantomData }))
    })
}

/// Cancels the live job of this kind that has the key; whether there was one.
pub fn cancel<'e, J: JobPayload>(key: &str, on: impl EnqueueOn<'e>) -> Answer<'e, bool> {
    let (key, target) = (declared_key::<J>(key), on.target());
    Box::pin(async move {
        let key = key?;
        Ok(cancel_by_unique_key(target, &key).await? > 0)
    })
}

/// Cancels all live jobs that have the fingerprint; how many there were.
pub fn cancel_all<'e>(fingerprint: String, on: impl EnqueueOn<'e>) -> Answer<'e, u64> {
    let target = on.target();
    Box::pin(async move { cancel_by_fingerprint(target, &fingerprint).await })
}

/// Cancels the live job that has this key, as it is stored.
pub(crate) async fn cancel_by_unique_key(target: Target<'_>, key: &str) -> Result<u64, Error> {
    let asked = target.ask(async |connection, store| {
        let found = store.find_jobs_by_unique_key(connection, &[key]).await?;
        let ids: Vec<Uuid> = found.into_iter().map(|(id, _)| id).collect();
        cancel_jobs(store, connection, &ids).await
    });
    asked.await.map_err(Error::database("cancel a job by its unique key"))
}

/// Cancels the live job that has this id.
pub(crate) async fn cancel_by_id(target: Target<'_>, id: Uuid) -> Result<u64, Error> {
    let asked = target.ask(async |connection, store| cancel_jobs(store, connection, &[id]).await);
    asked.await.map_err(Error::database("cancel a job"))
}

pub(crate) async fn cancel_by_fingerprint(
    target: Target<'_>,
    fingerprint: &str,
) -> Result<u64, Error> {
    let asked = target.ask(async |connection, store| {
        let ids = store.find_jobs_by_fingerprint(connection, fingerprint).await?;
        cancel_jobs(store, connection, &ids).await
    });
    asked.await.map_err(Error::database("cancel jobs by their fingerprint"))
}

async fn cancel_jobs(
    store: &Store,
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> sqlx::Result<u64> {
    let (cancelled, requested) = store.cancel_jobs(connection, ids).await?;
    tracing::info!(
        cancelled,
        requested,
        "cancelled waiting jobs, and asked for the end of running ones"
    );
    Ok((cancelled + requested).unsigned_abs())
}
