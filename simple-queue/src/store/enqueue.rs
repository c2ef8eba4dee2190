//! Statements that put jobs in, and find those that are there already.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{
    PgConnection, Postgres, Row,
    postgres::{PgArguments, PgRow, types::PgInterval},
    query::Query,
};
use uuid::Uuid;

use super::{
    Store,
    decode::{Time, interval, time},
    fetch::{Columns, job},
};
use crate::row::{Due, Job, Lease, NewJob};

impl Store {
    /// Inserts jobs and returns the ids of those that were not there already.
    ///
    /// Their leases count from `first_lease` on. `notify` wakes sleeping workers in the same statement, for an insert whose commit the library
    /// does not see.
    pub(crate) async fn insert_jobs(
        &self,
        connection: &mut PgConnection,
        jobs: &[&NewJob],
        first_lease: i64,
        notify: bool,
    ) -> sqlx::Result<Written<Uuid>> {
        let has_extras = jobs.iter().any(|job| job.has_extras());
        let query = if has_extras {
            self.statements.insert_jobs_with_extras.query()
        } else {
            self.statements.insert_jobs.query()
        };
        let mut query =
            bind_jobs(query, jobs).bind(self.schema.channel()).bind(notify).bind(first_lease);
        if has_extras {
            query = bind_extras(query, jobs);
        }
        let rows = query.fetch_all(connection).await?;
        Written::read(&rows, |row| row.try_get("id"))
    }

    /// Inserts jobs that differ in nothing but their payloads and fingerprints, have no unique keys, and ids
    /// that are new; returns whether workers sleep.
    pub(crate) async fn insert_alike_jobs(
        &self,
        connection: &mut PgConnection,
        first: &NewJob,
        jobs: &[&NewJob],
        notify: bool,
    ) -> sqlx::Result<bool> {
        self.statements
            .insert_alike_jobs
            .query()
            .bind(column(jobs, |job| job.id))
            .bind(column(jobs, |job| job.job_data.as_str()))
            .bind(column(jobs, |job| job.fingerprint.as_deref()))
            .bind(&first.queue)
            .bind(&first.kind)
            .bind(first.priority)
            .bind(first.due.at())
            .bind(first.due.after())
            .bind(first.max_attempts)
            .bind(first.expires_after.map(interval))
            .bind((!first.tags.is_empty()).then_some(&first.tags))
            .bind(first.version)
            .bind(first.retain.map(interval))
            .bind(self.schema.channel())
            .bind(notify)
            .fetch_one(connection)
            .await?
            .try_get("sleep")
    }

    /// Gives waiting jobs the payloads and options of new ones that have their unique keys; returns those
    /// that took them, with their keys.
    pub(crate) async fn replace_jobs(
        &self,
        connection: &mut PgConnection,
        jobs: &[&NewJob],
        notify: bool,
    ) -> sqlx::Result<Written<(Uuid, String)>> {
        let query = bind_jobs(self.statements.replace_jobs.query(), jobs)
            .bind(self.schema.channel())
            .bind(notify);
        let rows = bind_extras(query, jobs).fetch_all(connection).await?;
        Written::read(&rows, |row| Ok((row.try_get("id")?, row.try_get("unique_key")?)))
    }

    /// Puts waiting jobs off until new ones that have their unique keys would be due; returns those that
    /// were, with their keys.
    pub(crate) async fn reschedule_jobs(
        &self,
        connection: &mut PgConnection,
        jobs: &[&NewJob],
        notify: bool,
    ) -> sqlx::Result<Written<(Uuid, String)>> {
        let rows = self
            .statements
            .reschedule_jobs
            .query()
            .bind(column(jobs, |job| job.unique_key.as_deref()))
            .bind(column(jobs, |job| job.due.at()))
            .bind(column(jobs, |job| job.due.after()))
            .bind(self.schema.channel())
            .bind(notify)
            .fetch_all(connection)
            .await?;
        Written::read(&rows, |row| Ok((row.try_get("id")?, row.try_get("unique_key")?)))
    }

    /// The live jobs that hold these unique keys.
    pub(crate) async fn find_jobs_by_unique_key(
        &self,
        connection: &mut PgConnection,
        keys: &[&str],
    ) -> sqlx::Result<Vec<(Uuid, String)>> {
        self.statements.find_jobs_by_unique_key.query_as().bind(keys).fetch_all(connection).await
    }

    /// The live job that holds this unique key, and its metadata as JSON text.
    pub(crate) async fn find_live_job(
        &self,
        connection: &mut PgConnection,
        key: &str,
    ) -> sqlx::Result<Option<(Job, Option<String>)>> {
        let row =
            self.statements.find_live_job.query().bind(key).fetch_optional(connection).await?;
        row.map(|row| {
            let mut columns = Columns::of(&row);
            let (job, stored) = job(columns.next()?, &mut columns)?;
            let max_attempts: Option<i32> = columns.next()?;
            let found = Job {
                job_data: serde_json::from_str(stored.as_deref().unwrap_or("null"))
                    .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
                max_attempts: max_attempts.unwrap_or(job.max_attempts),
                status: columns.next()?,
                updated_at: columns.next::<Option<Time>>()?.map(|Time(at)| at),
                ..job
            };
            Ok((found, columns.next()?))
        })
        .transpose()
    }

    /// The metadata of a running job, as JSON text.
    pub(crate) async fn read_metadata(
        &self,
        connection: &mut PgConnection,
        lease: Lease,
    ) -> sqlx::Result<Option<String>> {
        let read = self.statements.read_metadata.query_scalar();
        let read = read.bind(lease.job_id).bind(lease.number).fetch_optional(connection);
        Ok(read.await?.flatten())
    }

    /// The live jobs that have this fingerprint.
    pub(crate) async fn find_jobs_by_fingerprint(
        &self,
        connection: &mut PgConnection,
        fingerprint: &str,
    ) -> sqlx::Result<Vec<Uuid>> {
        self.statements
            .find_jobs_by_fingerprint
            .query_scalar()
            .bind(fingerprint)
            .fetch_all(connection)
            .await
    }

    /// Which of these ids are in any of the three tables, each with its lease.
    pub(crate) async fn find_jobs_anywhere(
        &self,
        connection: &mut PgConnection,
        ids: &[Uuid],
    ) -> sqlx::Result<Vec<(Uuid, i64)>> {
        self.statements.find_jobs_anywhere.query_as().bind(ids).fetch_all(connection).await
    }

    /// One of these ids that a job had which is over and remembered. None of them was made before `since`.
    pub(crate) async fn find_used_id(
        &self,
        connection: &mut PgConnection,
        ids: &[Uuid],
        since: Option<DateTime<Utc>>,
    ) -> sqlx::Result<Option<Uuid>> {
        self.statements
            .find_used_id
            .query_scalar()
            .bind(ids)
            .bind(since.map(time))
            .fetch_optional(connection)
            .await
    }

    /// Lets the statements of the open transaction wait only so long for a lock.
    pub(crate) async fn limit_lock_wait(
        &self,
        connection: &mut PgConnection,
        limit: Duration,
    ) -> sqlx::Result<()> {
        let milliseconds = limit.as_millis().to_string();
        self.statements.limit_lock_wait.query().bind(milliseconds).execute(connection).await?;
        Ok(())
    }

    /// Sends notifications to every process that listens.
    pub(crate) async fn notify(
        &self,
        connection: &mut PgConnection,
        payloads: &[String],
    ) -> sqlx::Result<()> {
        self.statements
            .notify
            .query()
            .bind(self.schema.channel())
            .bind(payloads)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Ends pending jobs and asks for the end of running ones; returns how many of each. Where an earlier call
    /// may have been carried out, those that are cancelled already count.
    pub(crate) async fn cancel_jobs(
        &self,
        connection: &mut PgConnection,
        ids: &[Uuid],
        repeated: bool,
    ) -> sqlx::Result<(i64, i64)> {
        self.statements
            .cancel_jobs
            .query_as()
            .bind(ids)
            .bind(self.schema.channel())
            .bind(repeated)
            .fetch_one(connection)
            .await
    }

    /// The word for the state a job is in, wherever it is; its result, and why it is dead.
    pub(crate) async fn read_end(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
    ) -> sqlx::Result<Option<(String, Option<String>, Option<String>)>> {
        self.statements.read_end.query_as().bind(id).fetch_optional(connection).await
    }
}

/// What a statement wrote, and whom that concerns.
#[derive(Debug)]
pub(crate) struct Written<T> {
    pub(crate) rows: Vec<T>,
    /// Something was written while workers slept.
    pub(crate) workers_sleep: bool,
}

impl<T> Written<T> {
    fn read(rows: &[PgRow], row: impl Fn(&PgRow) -> sqlx::Result<T>) -> sqlx::Result<Self> {
        let workers_sleep = rows.first().map_or(Ok(false), |row| row.try_get("sleep"))?;
        Ok(Self { rows: rows.iter().map(row).collect::<Result<_, _>>()?, workers_sleep })
    }
}

/// Binds each column of new jobs as one array.
fn bind_jobs<'j>(
    query: Query<'j, Postgres, PgArguments>,
    jobs: &[&'j NewJob],
) -> Query<'j, Postgres, PgArguments> {
    query
        .bind(column(jobs, |job| job.id))
        .bind(column(jobs, |job| job.queue.as_str()))
        .bind(column(jobs, |job| job.kind.as_str()))
        .bind(column(jobs, |job| job.priority))
        .bind(column(jobs, |job| job.job_data.as_str()))
        .bind(column(jobs, |job| job.due.at()))
        .bind(column(jobs, |job| job.due.after()))
        .bind(column(jobs, |job| job.max_attempts))
        .bind(column(jobs, |job| job.unique_key.as_deref()))
        .bind(column(jobs, |job| job.fingerprint.as_deref()))
        .bind(column(jobs, |job| job.expires_after.map(interval)))
        .bind(column(jobs, |job| (!job.tags.is_empty()).then(|| json!(job.tags).to_string())))
        .bind(column(jobs, |job| job.version))
        .bind(column(jobs, |job| job.retain.map(interval)))
}

/// Binds what few jobs have: their timeouts and metadata.
fn bind_extras<'j>(
    query: Query<'j, Postgres, PgArguments>,
    jobs: &[&'j NewJob],
) -> Query<'j, Postgres, PgArguments> {
    query
        .bind(column(jobs, |job| job.timeout.map(interval)))
        .bind(column(jobs, |job| job.metadata.as_deref()))
}

fn column<'j, T>(jobs: &[&'j NewJob], value: impl Fn(&'j NewJob) -> T) -> Vec<T> {
    jobs.iter().map(|job| value(job)).collect()
}

impl Due {
    fn at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::At(at) => Some(time(at)),
            Self::Now | Self::After(_) => None,
        }
    }

    fn after(self) -> Option<PgInterval> {
        match self {
            Self::After(delay) => Some(interval(delay)),
            Self::Now | Self::At(_) => None,
        }
    }
}
