//! Statements that end a run, each fenced by the lease it was claimed under.

use sqlx::{PgConnection, Row};
use tracing::Instrument;
use uuid::Uuid;

use super::{
    Store,
    decode::{Columns, columns, interval, time},
    statements::Bound,
};
use crate::{
    outcome::{DeadLetter, Retry},
    row::Lease,
    telemetry,
};

/// Completed runs, each with the handler's result.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Completed<'f> {
    pub(crate) runs: &'f [(Lease, Option<&'f str>)],
    /// Whether jobs without their own `retain` are archived.
    pub(crate) keep: bool,
}

impl<'f> Completed<'f> {
    pub(super) fn results(&self) -> Vec<Option<&'f str>> {
        self.runs.iter().map(|&(_, result)| result).collect()
    }
}

/// The state of a lease whose transition changed no row.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "a row of independent answers")]
pub(crate) struct LeaseState {
    pub(crate) job_id: Uuid,
    /// The number of the lease that was looked up.
    pub(crate) lease: i64,
    /// The job still runs under this lease: another transaction has locked its row.
    pub(crate) held: bool,
    /// Its cancellation was requested.
    pub(crate) cancel_requested: bool,
    /// The job was finished under this lease: an earlier write was carried out and its answer lost.
    pub(crate) finished: bool,
    /// The job is in no table: it was completed without history.
    pub(crate) gone: bool,
}

impl Store {
    /// Moves completed jobs to the archive, or deletes those without history; returns the ids of those it completed.
    /// Without `include_touched` it skips rows that another transaction has touched.
    pub(crate) async fn archive_jobs(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        completed: Completed<'_>,
        include_touched: bool,
    ) -> sqlx::Result<Vec<Uuid>> {
        let runs = completed.runs;
        let of_keys = runs.iter().any(|(lease, _)| lease.rule.is_some());
        let query = if of_keys {
            let query = self.statements.archive_jobs_of_keys.query();
            query.bind("channel", self.schema.channel())
        } else {
            self.statements.archive_jobs.query()
        };
        bind_completed(query, worker_id, completed, include_touched)
            .fetch_scalar(connection)
            .instrument(telemetry::store::archive(runs.len()))
            .await
    }

    /// Puts running jobs back to pending; returns the ids of those that were put back.
    pub(crate) async fn retry_jobs(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        retries: &[(Lease, &Retry)],
    ) -> sqlx::Result<Vec<Uuid>> {
        let (ids, numbers) = lease_arrays(retries.iter().map(|(lease, _)| lease));
        self.statements
            .retry_jobs
            .query()
            .bind("worker_id", worker_id)
            .bind("job_ids", ids)
            .bind("leases", numbers)
            .bind("delays", array_of(retries, |retry| interval(retry.delay)))
            .bind("not_befores", array_of(retries, |retry| retry.not_before.map(time)))
            .bind("attempts_kept", array_of(retries, |retry| i32::from(retry.attempt_kept)))
            .bind("reprocessed", array_of(retries, |retry| i32::from(retry.reprocessed)))
            .bind("errors", array_of(retries, |retry| retry.error.as_deref()))
            .bind("waits_anew", array_of(retries, |retry| retry.waits_anew))
            .bind("survived", array_of(retries, |retry| i32::from(retry.survived)))
            .bind("channel", self.schema.channel())
            .fetch_scalars(connection)
            .instrument(telemetry::store::retry(retries.len()))
            .await
    }

    /// Moves running jobs to the dead letters; returns the ids of those that were moved.
    pub(crate) async fn dead_letter_jobs(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        dead: &[(Lease, &DeadLetter)],
    ) -> sqlx::Result<Vec<Uuid>> {
        let (ids, numbers) = lease_arrays(dead.iter().map(|(lease, _)| lease));
        self.statements
            .dead_letter_jobs
            .query()
            .bind("worker_id", worker_id)
            .bind("job_ids", ids)
            .bind("leases", numbers)
            .bind("statuses", array_of(dead, |letter| letter.status.as_str()))
            .bind("reasons", array_of(dead, |letter| letter.reason.as_str()))
            .bind("attempts_kept", array_of(dead, |letter| i32::from(letter.attempt_kept)))
            .bind("errors", array_of(dead, |letter| letter.error.as_deref()))
            .bind("channel", self.schema.channel())
            .fetch_scalars(connection)
            .instrument(telemetry::store::dead_letter(dead.len()))
            .await
    }

    /// Looks up leases whose transition changed no row.
    pub(crate) async fn read_leases(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        leases: &[Lease],
    ) -> sqlx::Result<Vec<LeaseState>> {
        let (ids, numbers) = lease_arrays(leases.iter());
        let rows = self
            .statements
            .read_leases
            .query()
            .bind("worker_id", worker_id)
            .bind("job_ids", ids)
            .bind("leases", numbers)
            .fetch_all(connection)
            .await?;
        LeaseColumns::read(&rows, |row, columns| {
            Ok(LeaseState {
                job_id: row.try_get(columns.job_id)?,
                lease: row.try_get(columns.lease)?,
                held: row.try_get(columns.held)?,
                cancel_requested: row.try_get(columns.cancel_requested)?,
                finished: row.try_get(columns.finished)?,
                gone: row.try_get(columns.gone)?,
            })
        })
    }
}

/// Binds completed runs.
pub(super) fn bind_completed<'c>(
    query: Bound<'c>,
    worker_id: Uuid,
    completed: Completed<'c>,
    include_touched: bool,
) -> Bound<'c> {
    let (ids, numbers) = lease_arrays(completed.runs.iter().map(|(lease, _)| lease));
    query
        .bind("job_ids", ids)
        .bind("leases", numbers)
        .bind("worker_id", worker_id)
        .bind("include_touched", include_touched)
        .bind("results", completed.results())
        .bind("keep", completed.keep)
}

/// The job ids and the numbers of leases, as two arrays.
pub(super) fn lease_arrays<'l>(leases: impl Iterator<Item = &'l Lease>) -> (Vec<Uuid>, Vec<i64>) {
    leases.map(|lease| (lease.job_id, lease.number)).unzip()
}

/// One value of each transition, as an array.
fn array_of<'t, W, T>(transitions: &[(Lease, &'t W)], value: impl Fn(&'t W) -> T) -> Vec<T> {
    transitions.iter().map(|&(_, transition)| value(transition)).collect()
}

columns! {
    LeaseColumns { job_id, lease, held, cancel_requested, finished, gone }
}
