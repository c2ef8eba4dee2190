//! Live jobs, found and cancelled by what they were declared with: their unique key or fingerprint.

use std::{
    ops::{Deref, DerefMut},
    pin::Pin,
};

use sqlx::{PgConnection, Postgres, pool::PoolConnection};
use uuid::Uuid;

use super::{EnqueueOn, Target, Via, gathering::Destination};
use crate::{
    Error,
    job::JobPayload,
    row::{Job, declared_key},
    store::Store,
};

/// What these calls answer with: boxed, so that the compiler proves it `Send` once and not for every job.
type Answer<'e, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'e>>;

/// The live job of this kind that has the key.
pub fn find<'e, J: JobPayload>(key: &str, on: impl EnqueueOn<'e>) -> Answer<'e, Option<Job>> {
    let (key, target) = (declared_key::<J>(key), on.target());
    Box::pin(async move {
        let key = key?;
        let (mut connection, store) = reach(target).await?;
        let found = store.find_live_job(&mut connection, &key).await;
        found.map_err(Error::database("find a job by its unique key"))
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
    let (mut connection, store) = reach(target).await?;
    let found = store.find_jobs_by_unique_key(&mut connection, &[key]).await;
    let found = found.map_err(Error::database("find a job by its unique key"))?;
    let ids: Vec<Uuid> = found.into_iter().map(|(id, _)| id).collect();
    cancel_jobs(&store, &mut connection, &ids).await
}

/// Cancels the live job that has this id.
pub(crate) async fn cancel_by_id(target: Target<'_>, id: Uuid) -> Result<u64, Error> {
    let (mut connection, store) = reach(target).await?;
    cancel_jobs(&store, &mut connection, &[id]).await
}

pub(crate) async fn cancel_by_fingerprint(
    target: Target<'_>,
    fingerprint: &str,
) -> Result<u64, Error> {
    let (mut connection, store) = reach(target).await?;
    let found = store.find_jobs_by_fingerprint(&mut connection, fingerprint).await;
    let ids = found.map_err(Error::database("find jobs by their fingerprint"))?;
    cancel_jobs(&store, &mut connection, &ids).await
}

async fn cancel_jobs(
    store: &Store,
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<u64, Error> {
    let cancelled = store.cancel_jobs(connection, ids).await;
    let (cancelled, requested) = cancelled.map_err(Error::database("cancel jobs"))?;
    tracing::info!(
        cancelled,
        requested,
        "cancelled waiting jobs, and asked for the end of running ones"
    );
    Ok((cancelled + requested).unsigned_abs())
}

/// A connection of the pool's, or the caller's own.
enum Reached<'e> {
    Pooled(PoolConnection<Postgres>),
    Borrowed(&'e mut PgConnection),
}

async fn reach(target: Target<'_>) -> Result<(Reached<'_>, Store), Error> {
    match target.0 {
        Via::Connection { connection, store } => Ok((Reached::Borrowed(connection), store)),
        Via::Pool { pool, store }
        | Via::Queue { destination: Destination { pool, store, wake: _ }, gathering: _ } => {
            let connection = pool.acquire().await;
            let connection = connection.map_err(Error::database("acquire a connection"))?;
            Ok((Reached::Pooled(connection), store))
        }
    }
}

impl Deref for Reached<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Borrowed(connection) => connection,
        }
    }
}

impl DerefMut for Reached<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Borrowed(connection) => connection,
        }
    }
}
