//! Finds and cancels live jobs by their unique key or fingerprint; finds and frees kept keys.

use std::{collections::BTreeSet, fmt, marker::PhantomData, ops::Deref, pin::Pin};

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{EnqueueOn, Target};
use crate::{
    Error,
    database::Tries,
    job::{JobPayload, without_values},
    row::{Job, Unread, declared_key, read_payload},
    telemetry,
};

/// Future of these calls; boxed, so that the compiler proves it `Send` once and not for every job.
type Answer<'e, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'e>>;

/// A live job that was found by its key. It derefs to the stored [`Job`].
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
    /// JSON text.
    metadata: Option<String>,
    payload: PhantomData<fn() -> J>,
}

impl<J: JobPayload> Found<J> {
    /// Reads the payload and upgrades it to this build's version.
    ///
    /// # Errors
    /// [`Error::UnreadablePayload`] when the payload does not fit, or a later build stored it.
    pub fn payload(&self) -> Result<J, Error> {
        let job_id = self.job.id;
        read_payload(&self.job).map_err(|unread| {
            let problem = match unread {
                Unread::OfNewerBuild => {
                    format!("a later build stored it as version {}", self.job.version)
                }
                Unread::Unfit(problem) => problem,
            };
            Error::UnreadablePayload { job_id, problem }
        })
    }
}

impl<J> Found<J> {
    /// Reads the metadata attached with [`Enqueue::metadata`](crate::Enqueue::metadata). Returns
    /// `None` if there is none.
    ///
    /// # Errors
    /// [`Error::UnreadablePayload`] when the metadata has another type.
    pub fn metadata<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        read_metadata(self.job.id, self.metadata.as_deref())
    }
}

/// Reads the metadata of a job as a type of the caller's.
pub(crate) fn read_metadata<T: DeserializeOwned>(
    job_id: Uuid,
    metadata: Option<&str>,
) -> Result<Option<T>, Error> {
    metadata.map(serde_json::from_str).transpose().map_err(|error| {
        let said = without_values(&error.to_string());
        let problem = format!("its metadata has another type: {said}");
        Error::UnreadablePayload { job_id, problem }
    })
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

/// Returns the live job of this kind that has the key.
pub fn find<'e, J: JobPayload>(key: &str, on: impl EnqueueOn<'e>) -> Answer<'e, Option<Found<J>>> {
    let (key, target) = (declared_key::<J>(key), on.target());
    Box::pin(async move {
        let found = find_by_unique_key(target, &key?).await?;
        Ok(found.map(|(job, metadata)| Found { job, metadata, payload: PhantomData }))
    })
}

async fn find_by_unique_key(
    mut target: Target<'_>,
    key: &str,
) -> Result<Option<(Job, Option<String>)>, Error> {
    let mut tries = Tries::default();
    loop {
        let found =
            target.ask(async |connection, store| store.find_live_job(connection, key).await).await;
        match tries.wait_after(&found) {
            Some(wait) if target.is_the_librarys() => tokio::time::sleep(wait).await,
            _ => return found.map_err(Error::database("find a job by its unique key")),
        }
    }
}

/// A unique key that stays taken for a time, and the job that took it.
///
/// ```no_run
/// # use simple_queue::prelude::*;
/// #[job(queue = "emails", unique(key = "{user_id}", for = "24h"))]
/// async fn remind(user_id: i64) {}
///
/// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
/// if let Some(kept) = Remind::find_kept_key(42, queue).await? {
///     println!("job {} keeps the key until {}", kept.job_id, kept.kept_until);
///     Remind::release_key(42, queue).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptKey {
    /// The job that took the key. It may have ended.
    pub job_id: Uuid,
    /// When the key becomes free, unless a live job holds it then.
    pub kept_until: DateTime<Utc>,
}

/// Returns which job of this kind keeps the key, whether it has ended or not.
pub fn find_kept_key<'e, J: JobPayload>(
    key: &str,
    on: impl EnqueueOn<'e>,
) -> Answer<'e, Option<KeptKey>> {
    let (key, target) = (declared_key::<J>(key), on.target());
    Box::pin(async move { kept_key(target, &key?).await })
}

/// Frees the kept key of this kind. Returns whether it was kept.
pub fn release_key<'e, J: JobPayload>(key: &str, on: impl EnqueueOn<'e>) -> Answer<'e, bool> {
    let (key, target) = (declared_key::<J>(key), on.target());
    Box::pin(async move { release(target, &key?).await })
}

/// Returns which job keeps the key, as it is stored.
pub(crate) async fn kept_key(mut target: Target<'_>, key: &str) -> Result<Option<KeptKey>, Error> {
    let mut tries = Tries::default();
    loop {
        let found =
            target.ask(async |connection, store| store.find_kept_key(connection, key).await).await;
        match tries.wait_after(&found) {
            Some(wait) if target.is_the_librarys() => tokio::time::sleep(wait).await,
            _ => {
                let found = found.map_err(Error::database("find a kept key"))?;
                return Ok(found.map(|(job_id, kept_until)| KeptKey { job_id, kept_until }));
            }
        }
    }
}

/// Frees a kept key, as it is stored. Returns whether it was kept.
///
/// An earlier try may have freed it, so what was found before it counts too.
pub(crate) async fn release(mut target: Target<'_>, key: &str) -> Result<bool, Error> {
    let (mut tries, mut was_kept) = (Tries::default(), false);
    loop {
        let released = target.ask(async |connection, store| {
            was_kept |= store.find_kept_key(connection, key).await?.is_some();
            store.release_key(connection, key).await
        });
        let released = released.await;
        match tries.wait_after(&released) {
            Some(wait) if target.is_the_librarys() => tokio::time::sleep(wait).await,
            _ => {
                let released = released.map_err(Error::database("free a kept key"))?;
                return Ok(released || (was_kept && tries.may_be_done()));
            }
        }
    }
}

/// Cancels the live job of this kind that has the key. Returns whether there was one.
pub fn cancel<'e, J: JobPayload>(key: &str, on: impl EnqueueOn<'e>) -> Answer<'e, bool> {
    let (key, target) = (declared_key::<J>(key), on.target());
    Box::pin(async move { Ok(cancel_those(target, Which::UniqueKey(&key?)).await? > 0) })
}

/// Cancels all live jobs that have the fingerprint. Returns their number.
pub fn cancel_all<'e>(fingerprint: String, on: impl EnqueueOn<'e>) -> Answer<'e, u64> {
    let target = on.target();
    Box::pin(async move { cancel_those(target, Which::Fingerprint(&fingerprint)).await })
}

/// Selects live jobs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which<'w> {
    Id(Uuid),
    /// The key as it is stored.
    UniqueKey(&'w str),
    Fingerprint(&'w str),
}

/// Cancels live jobs. Returns their number.
///
/// If the statement is repeated because its answer was lost, the ids found before are remembered:
/// those jobs may be cancelled already and then are not found again.
pub(crate) async fn cancel_those(mut target: Target<'_>, which: Which<'_>) -> Result<u64, Error> {
    let (mut tries, mut found) = (Tries::default(), BTreeSet::<Uuid>::new());
    let (cancelled, requested) = loop {
        let repeated = tries.may_be_done();
        let cancelled = target.ask(async |connection, store| {
            match which {
                Which::Id(id) => {
                    found.insert(id);
                }
                Which::UniqueKey(key) => {
                    let holders = store.find_jobs_by_unique_key(connection, &[key]).await?;
                    found.extend(holders.into_iter().map(|(id, _)| id));
                }
                Which::Fingerprint(fingerprint) => {
                    found.extend(store.find_jobs_by_fingerprint(connection, fingerprint).await?);
                }
            }
            let ids: Vec<Uuid> = found.iter().copied().collect();
            store.cancel_jobs(connection, &ids, repeated).await
        });
        let cancelled = cancelled.await;
        match tries.wait_after(&cancelled) {
            Some(wait) if target.is_the_librarys() => tokio::time::sleep(wait).await,
            _ => break cancelled.map_err(Error::database(which.action()))?,
        }
    };
    telemetry::enqueue::jobs_cancelled(cancelled, requested);
    Ok((cancelled + requested).unsigned_abs())
}

impl Which<'_> {
    const fn action(self) -> &'static str {
        match self {
            Self::Id(_) => "cancel a job",
            Self::UniqueKey(_) => "cancel a job by its unique key",
            Self::Fingerprint(_) => "cancel jobs by their fingerprint",
        }
    }
}
