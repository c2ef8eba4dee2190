//! Statements that end a run: each fenced by the lease it was claimed under.

use std::time::Duration;

use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::{
    Store,
    decode::{interval, time},
};
use crate::{
    outcome::{DeadLetter, Retry},
    row::Lease,
};

/// Partitions of the archive are there a week before they are needed.
const DAYS_AHEAD: i32 = 7;

/// Runs that are done, each with what it returned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finish<'f> {
    pub(crate) done: &'f [(Lease, Option<&'f str>)],
    /// Whether the archive keeps what says nothing of itself.
    pub(crate) keep: bool,
}

impl<'f> Finish<'f> {
    pub(super) fn results(&self) -> Vec<Option<&'f str>> {
        self.done.iter().map(|&(_, result)| result).collect()
    }
}

/// What is found of a lease whose transition changed no row.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "a row of independent answers")]
pub(crate) struct LeaseState {
    pub(crate) job_id: Uuid,
    /// The number of the lease that was asked after.
    pub(crate) lease: i64,
    /// The job still runs under this lease: somebody has its row locked.
    pub(crate) held: bool,
    /// Its cancellation was asked for.
    pub(crate) cancel_requested: bool,
    /// It was finished under this lease: an earlier write was carried out and its answer lost.
    pub(crate) finished: bool,
    /// Nothing is left of the job: it was done, and no history of it is kept.
    pub(crate) gone: bool,
}

impl Store {
    /// Moves jobs that are done to the archive, or deletes them where no history is kept; returns those that
    /// are finished by it. Unless it is careful it leaves those on whose rows somebody has left a trace.
    #[tracing::instrument(name = "archive", level = "debug", skip_all, fields(jobs = finish.done.len()))]
    pub(crate) async fn archive_jobs(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        finish: Finish<'_>,
        careful: bool,
    ) -> sqlx::Result<Vec<Uuid>> {
        let Finish { done, keep } = finish;
        let (ids, numbers) = columns(done.iter().map(|(lease, _)| lease));
        self.statements
            .archive_jobs
            .query_scalar()
            .bind(worker_id)
            .bind(ids)
            .bind(numbers)
            .bind(finish.results())
            .bind(keep)
            .bind(careful)
            .fetch_one(connection)
            .await
    }

    /// Bounds how long a transaction that is about to finish a job may wait for its client, and marks it.
    /// Returns whether it was marked before.
    pub(crate) async fn limit_idle_transaction(
        &self,
        connection: &mut PgConnection,
        limit: Duration,
    ) -> sqlx::Result<bool> {
        let milliseconds = limit.as_millis().to_string();
        let limited = self.statements.limit_idle_transaction.query_scalar().bind(milliseconds);
        limited.fetch_one(connection).await
    }

    /// Puts running jobs back to pending; returns those that were put back.
    #[tracing::instrument(name = "retry", level = "debug", skip_all, fields(jobs = retries.len()))]
    pub(crate) async fn retry_jobs(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        retries: &[(Lease, &Retry)],
    ) -> sqlx::Result<Vec<Uuid>> {
        let (ids, numbers) = columns(retries.iter().map(|(lease, _)| lease));
        let column = |value: fn(&Retry) -> i32| -> Vec<i32> {
            retries.iter().map(|(_, retry)| value(retry)).collect()
        };
        self.statements
            .retry_jobs
            .query_scalar()
            .bind(worker_id)
            .bind(ids)
            .bind(numbers)
            .bind(retries.iter().map(|(_, retry)| interval(retry.delay)).collect::<Vec<_>>())
            .bind(retries.iter().map(|(_, retry)| retry.not_before.map(time)).collect::<Vec<_>>())
            .bind(column(|retry| i32::from(retry.attempt_kept)))
            .bind(column(|retry| i32::from(retry.reprocessed)))
            .bind(retries.iter().map(|(_, retry)| retry.error.as_deref()).collect::<Vec<_>>())
            .bind(self.schema.channel())
            .bind(retries.iter().map(|(_, retry)| retry.waits_anew).collect::<Vec<_>>())
            .bind(column(|retry| i32::from(retry.survived)))
            .fetch_all(connection)
            .await
    }

    /// Moves running jobs to the dead letters; returns those that were moved.
    #[tracing::instrument(name = "dead_letter", level = "debug", skip_all, fields(jobs = dead.len()))]
    pub(crate) async fn dead_letter_jobs(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        dead: &[(Lease, &DeadLetter)],
    ) -> sqlx::Result<Vec<Uuid>> {
        let (ids, numbers) = columns(dead.iter().map(|(lease, _)| lease));
        self.statements
            .dead_letter_jobs
            .query_scalar()
            .bind(worker_id)
            .bind(ids)
            .bind(numbers)
            .bind(dead.iter().map(|(_, letter)| letter.status.as_str()).collect::<Vec<_>>())
            .bind(dead.iter().map(|(_, letter)| letter.reason.as_str()).collect::<Vec<_>>())
            .bind(dead.iter().map(|(_, letter)| i32::from(letter.attempt_kept)).collect::<Vec<_>>())
            .bind(dead.iter().map(|(_, letter)| letter.error.as_deref()).collect::<Vec<_>>())
            .fetch_all(connection)
            .await
    }

    /// Makes the partitions of the archive that are missing; returns how many it made.
    pub(crate) async fn ensure_archive_partitions(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<i32> {
        self.statements
            .ensure_archive_partitions
            .query_scalar()
            .bind(DAYS_AHEAD)
            .fetch_one(connection)
            .await
    }

    /// What became of leases whose transition changed no row.
    pub(crate) async fn read_leases(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        leases: &[Lease],
    ) -> sqlx::Result<Vec<LeaseState>> {
        let (ids, numbers) = columns(leases.iter());
        let rows = self
            .statements
            .read_leases
            .query()
            .bind(worker_id)
            .bind(ids)
            .bind(numbers)
            .fetch_all(connection)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(LeaseState {
                    job_id: row.try_get("job_id")?,
                    lease: row.try_get("lease")?,
                    held: row.try_get("held")?,
                    cancel_requested: row.try_get("cancel_requested")?,
                    finished: row.try_get("finished")?,
                    gone: row.try_get("gone")?,
                })
            })
            .collect()
    }
}

/// The ids and the numbers of leases.
pub(super) fn columns<'l>(leases: impl Iterator<Item = &'l Lease>) -> (Vec<Uuid>, Vec<i64>) {
    leases.map(|lease| (lease.job_id, lease.number)).unzip()
}
