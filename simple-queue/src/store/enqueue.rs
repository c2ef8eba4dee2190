//! Statements that insert jobs.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{
    PgConnection, Row,
    postgres::{PgRow, types::PgInterval},
};
use uuid::Uuid;

use super::{
    Store,
    decode::{Columns, columns, interval, time, with_keys},
    statements::Bound,
};
use crate::row::{Due, NewJob};

impl Store {
    /// Inserts jobs and returns the ids of those that did not exist.
    ///
    /// Their leases start at `first_lease`. `notify` wakes sleeping workers in the same statement, for an insert whose
    /// commit the library does not see.
    pub(crate) async fn insert_jobs(
        &self,
        connection: &mut PgConnection,
        jobs: &[&NewJob],
        first_lease: i64,
        notify: bool,
    ) -> sqlx::Result<Written<Uuid>> {
        let of_keys = jobs.iter().any(|job| job.limit_key.is_some());
        let query = if of_keys {
            let query = self.statements.insert_jobs_of_keys.query();
            let query = query.bind("gates", array_of(jobs, NewJob::gate));
            query.bind("costs", array_of(jobs, |job| job.cost))
        } else {
            self.statements.insert_jobs.query()
        };
        let query = bind_jobs(query, jobs);
        let query = bind_insertion(query, self.schema.channel(), notify, first_lease);
        let rows = query.fetch_all(connection).await?;
        let ids = IdColumns::read(&rows, |row, columns| row.try_get(columns.id))?;
        Written::new(ids, &rows)
    }

    /// Inserts jobs that differ only in payload and fingerprint, have no unique keys, and have new ids. Returns whether
    /// workers sleep.
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
            .bind("queue", &first.queue)
            .bind("kind", &first.kind)
            .bind("priority", first.priority)
            .bind("run_at", first.due.at())
            .bind("delay", first.due.after())
            .bind("max_attempts", first.max_attempts)
            .bind("expires_after", first.expires_after.map(interval))
            .bind("tags", (!first.tags.is_empty()).then_some(&first.tags))
            .bind("version", first.version)
            .bind("retain", first.retain.map(interval))
            .bind("ids", array_of(jobs, |job| job.id))
            .bind("payloads", array_of(jobs, |job| job.job_data.as_str()))
            .bind("fingerprints", array_of(jobs, |job| job.fingerprint.as_deref()))
            .bind("notify", notify)
            .bind("channel", self.schema.channel())
            .fetch_one(connection)
            .await?
            .try_get("sleep")
    }

    /// Gives waiting jobs the payloads and options of new jobs with the same unique keys; returns the replaced jobs
    /// with their keys.
    pub(crate) async fn replace_jobs(
        &self,
        connection: &mut PgConnection,
        jobs: &[&NewJob],
        notify: bool,
    ) -> sqlx::Result<Written<(Uuid, String)>> {
        let rows = bind_jobs(self.statements.replace_jobs.query(), jobs)
            .bind("gates", array_of(jobs, NewJob::gate))
            .bind("costs", array_of(jobs, |job| job.cost))
            .bind("channel", self.schema.channel())
            .bind("notify", notify)
            .fetch_all(connection)
            .await?;
        Written::new(with_keys(&rows)?, &rows)
    }

    /// Postpones waiting jobs until new jobs with the same unique keys would be due; returns the rescheduled jobs with
    /// their keys.
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
            .bind("unique_keys", array_of(jobs, |job| job.unique_key.as_deref()))
            .bind("run_ats", array_of(jobs, |job| job.due.at()))
            .bind("delays", array_of(jobs, |job| job.due.after()))
            .bind("channel", self.schema.channel())
            .bind("notify", notify)
            .fetch_all(connection)
            .await?;
        Written::new(with_keys(&rows)?, &rows)
    }
}

/// The rows that a statement wrote, and whether workers must be woken.
#[derive(Debug)]
pub(crate) struct Written<T> {
    pub(crate) rows: Vec<T>,
    /// Rows were written while workers slept.
    pub(crate) workers_sleep: bool,
}

impl<T> Written<T> {
    /// Every row says whether workers sleep.
    fn new(written: Vec<T>, rows: &[PgRow]) -> sqlx::Result<Self> {
        let workers_sleep = rows.first().map_or(Ok(false), |row| row.try_get("sleep"))?;
        Ok(Self { rows: written, workers_sleep })
    }
}

columns! {
    IdColumns { id }
}

/// Binds what new rows have in common.
fn bind_insertion(query: Bound<'_>, channel: String, notify: bool, first_lease: i64) -> Bound<'_> {
    query.bind("channel", channel).bind("notify", notify).bind("first_lease", first_lease)
}

/// Binds each column of new jobs as one array.
pub(super) fn bind_jobs<'j>(query: Bound<'j>, jobs: &[&'j NewJob]) -> Bound<'j> {
    let tags = |job: &NewJob| (!job.tags.is_empty()).then(|| json!(job.tags).to_string());
    query
        .bind("ids", array_of(jobs, |job| job.id))
        .bind("queues", array_of(jobs, |job| job.queue.as_str()))
        .bind("kinds", array_of(jobs, |job| job.kind.as_str()))
        .bind("priorities", array_of(jobs, |job| job.priority))
        .bind("payloads", array_of(jobs, |job| job.job_data.as_str()))
        .bind("run_ats", array_of(jobs, |job| job.due.at()))
        .bind("delays", array_of(jobs, |job| job.due.after()))
        .bind("max_attempts", array_of(jobs, |job| job.max_attempts))
        .bind("unique_keys", array_of(jobs, |job| job.unique_key.as_deref()))
        .bind("fingerprints", array_of(jobs, |job| job.fingerprint.as_deref()))
        .bind("expires_afters", array_of(jobs, |job| job.expires_after.map(interval)))
        .bind("tags", array_of(jobs, tags))
        .bind("versions", array_of(jobs, |job| job.version))
        .bind("retains", array_of(jobs, |job| job.retain.map(interval)))
        .bind("timeouts", array_of(jobs, |job| job.timeout.map(interval)))
        .bind("metadata", array_of(jobs, |job| job.metadata.as_deref()))
}

/// One value of each job, as an array.
fn array_of<'j, T>(jobs: &[&'j NewJob], value: impl Fn(&'j NewJob) -> T) -> Vec<T> {
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
