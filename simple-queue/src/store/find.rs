//! Statements that find jobs in any table.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    Store,
    decode::{Columns, JobColumns, Time, columns, read_job, time, with_keys},
};
use crate::row::{Job, Lease};

columns! {
    UsedColumns { id, lease }
}

impl Store {
    /// The live jobs that hold these unique keys.
    pub(crate) async fn find_jobs_by_unique_key(
        &self,
        connection: &mut PgConnection,
        keys: &[&str],
    ) -> sqlx::Result<Vec<(Uuid, String)>> {
        let holders = self.statements.find_jobs_by_unique_key.query().bind("keys", keys);
        with_keys(&holders.fetch_all(connection).await?)
    }

    /// The job that keeps this unique key, and until when.
    pub(crate) async fn find_kept_key(
        &self,
        connection: &mut PgConnection,
        key: &str,
    ) -> sqlx::Result<Option<(Uuid, DateTime<Utc>)>> {
        let found = self.statements.find_kept_key.query().bind("key", key);
        let row = found.fetch_optional(connection).await?;
        row.map(|row| Ok((row.try_get("job_id")?, row.try_get::<Time, _>("kept_until")?.0)))
            .transpose()
    }

    /// Frees a kept unique key; returns whether it was kept.
    pub(crate) async fn release_key(
        &self,
        connection: &mut PgConnection,
        key: &str,
    ) -> sqlx::Result<bool> {
        let released = self.statements.release_key.query().bind("key", key);
        Ok(released.fetch_optional_scalar(connection).await?.unwrap_or(false))
    }

    /// The live job that holds this unique key, and its metadata as JSON text.
    pub(crate) async fn find_live_job(
        &self,
        connection: &mut PgConnection,
        key: &str,
    ) -> sqlx::Result<Option<(Job, Option<String>)>> {
        let found = self.statements.find_live_job.query().bind("key", key);
        found.fetch_optional(connection).await?.map(|row| live_job(&row)).transpose()
    }

    /// The metadata of a running job, as JSON text.
    pub(crate) async fn read_metadata(
        &self,
        connection: &mut PgConnection,
        lease: Lease,
    ) -> sqlx::Result<Option<String>> {
        let read = self.statements.read_metadata.query();
        let read = read.bind("id", lease.job_id).bind("lease", lease.number);
        Ok(read.fetch_optional_scalar::<Option<String>>(connection).await?.flatten())
    }

    /// The live jobs with this fingerprint.
    pub(crate) async fn find_jobs_by_fingerprint(
        &self,
        connection: &mut PgConnection,
        fingerprint: &str,
    ) -> sqlx::Result<Vec<Uuid>> {
        self.statements
            .find_jobs_by_fingerprint
            .query()
            .bind("fingerprint", fingerprint)
            .fetch_scalars(connection)
            .await
    }

    /// Which of these ids are in any of the three tables, each with its lease.
    pub(crate) async fn find_jobs_anywhere(
        &self,
        connection: &mut PgConnection,
        ids: &[Uuid],
    ) -> sqlx::Result<Vec<(Uuid, i64)>> {
        let found = self.statements.find_jobs_anywhere.query().bind("ids", ids);
        let rows = found.fetch_all(connection).await?;
        UsedColumns::read(&rows, |row, columns| {
            Ok((row.try_get(columns.id)?, row.try_get(columns.lease)?))
        })
    }

    /// One of these ids that belongs to a finished job in the history. None of the ids was made before `since`.
    pub(crate) async fn find_used_id(
        &self,
        connection: &mut PgConnection,
        ids: &[Uuid],
        since: Option<DateTime<Utc>>,
    ) -> sqlx::Result<Option<Uuid>> {
        self.statements
            .find_used_id
            .query()
            .bind("ids", ids)
            .bind("since", since.map(time))
            .fetch_optional_scalar(connection)
            .await
    }

    /// The status of a job in any table, its result, and the reason if it is dead.
    pub(crate) async fn read_end(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
    ) -> sqlx::Result<Option<(String, Option<String>, Option<String>)>> {
        let row =
            self.statements.read_end.query().bind("id", id).fetch_optional(connection).await?;
        row.map(|row| Ok((row.try_get("status")?, row.try_get("result")?, row.try_get("reason")?)))
            .transpose()
    }
}

fn live_job(row: &PgRow) -> sqlx::Result<(Job, Option<String>)> {
    let mut job = read_job(row, &JobColumns::of(row)?)?;
    job.status = row.try_get("status")?;
    job.updated_at = row.try_get::<Option<Time>, _>("updated_at")?.map(|Time(at)| at);
    job.read_stored().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok((job, row.try_get("metadata")?))
}
