//! Live jobs, found and cancelled by what they were declared with: their unique key or fingerprint.

use std::{collections::BTreeSet, pin::Pin};

use uuid::Uuid;

use super::{EnqueueOn, Target};
use crate::{
    Error,
    job::JobPayload,
    row::{Job, declared_key},
    store::Tries,
};

/// What these calls answer with: boxed, so that the compiler proves it `Send` once and not for every job.
type Answer<'e, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'e>>;

/// The live job of this kind that has the key.
pub fn find<'e, J: JobPayload>(key: &str, on: impl EnqueueOn<'e>) -> Answer<'e, Option<Job>> {
    let (key, target) = (declared_key::<J>(key), on.target());
    Box::pin(async move { find_by_unique_key(target, &key?).await })
}

async fn find_by_unique_key(mut target: Target<'_>, key: &str) -> Result<Option<Job>, Error> {
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

/// Cancels the live job of this kind that has the key; whether there was one.
pub fn cancel<'e, J: JobPayload>(key: &str, on: impl EnqueueOn<'e>) -> Answer<'e, bool> {
    let (key, target) = (declared_key::<J>(key), on.target());
    Box::pin(async move { Ok(cancel_those(target, Which::UniqueKey(&key?)).await? > 0) })
}

/// Cancels all live jobs that have the fingerprint; how many there were.
pub fn cancel_all<'e>(fingerprint: String, on: impl EnqueueOn<'e>) -> Answer<'e, u64> {
    let target = on.target();
    Box::pin(async move { cancel_those(target, Which::Fingerprint(&fingerprint)).await })
}

/// Which live jobs are meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which<'w> {
    Id(Uuid),
    /// As it is stored.
    UniqueKey(&'w str),
    Fingerprint(&'w str),
}

/// Cancels live jobs; how many there were.
///
/// When that has to be asked again because an answer was lost, the jobs that were found before are remembered: they
/// may be cancelled already, and then are not found any more.
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
    tracing::info!(
        cancelled,
        requested,
        "cancelled waiting jobs, and asked for the end of running ones"
    );
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
