//! Enqueueing through a database function, for roles that may not write to the tables, and for jobs whose key takes
//! several statements.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{PgConnection, Row, types::Json};
use uuid::Uuid;

use super::{
    Store,
    decode::{Columns, columns, time},
};
use crate::row::{Due, NewJob};

/// Whether jobs are inserted by the library's statements or by the function.
#[derive(Debug, Clone, Default)]
pub(super) struct Way(Arc<AtomicU8>);

impl Way {
    const TABLE: u8 = 1;
    const FUNCTION: u8 = 2;
}

impl Store {
    pub(crate) fn enqueues_by_function(&self) -> bool {
        self.way.0.load(Ordering::Acquire) == Way::FUNCTION
    }

    /// Asks once whether the role may insert. In a caller's transaction a refused insert would end that transaction.
    pub(crate) async fn find_way_to_enqueue(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<()> {
        if self.way.0.load(Ordering::Acquire) == 0 {
            let asked = self.statements.read_right_to_insert.query();
            let may_insert: bool = asked.fetch_scalar(connection).await?;
            let way = if may_insert { Way::TABLE } else { Way::FUNCTION };
            self.way.0.store(way, Ordering::Release);
        }
        Ok(())
    }

    /// Enqueues all jobs or none; returns for each its id, or that of the job it met, and the outcome.
    ///
    /// The function notifies sleeping workers. If the call is `repeated`, existing or finished jobs with these ids
    /// count as inserted by an earlier call.
    pub(crate) async fn enqueue_many(
        &self,
        connection: &mut PgConnection,
        jobs: &[&NewJob],
        repeated: bool,
    ) -> sqlx::Result<Vec<(Uuid, String)>> {
        let encoded = |error| sqlx::Error::Encode(Box::new(error));
        let jobs: Vec<Passed<'_>> =
            jobs.iter().map(|job| Passed::of(job)).collect::<Result<_, _>>().map_err(encoded)?;
        let called = self
            .statements
            .enqueue_many
            .query()
            .bind("jobs", Json(jobs))
            .bind("repeated", repeated);
        let rows = called.fetch_all(connection).await?;
        CalledColumns::read(&rows, |row, columns| {
            Ok((row.try_get(columns.id)?, row.try_get(columns.outcome)?))
        })
    }
}

columns! {
    CalledColumns { id, outcome }
}

/// A job in the form that the function reads.
#[derive(Serialize)]
struct Passed<'j> {
    id: Uuid,
    queue: &'j str,
    kind: &'j str,
    priority: i16,
    job_data: &'j RawValue,
    run_at: Option<DateTime<Utc>>,
    /// In seconds, like `expires_after`.
    delay: Option<f64>,
    max_attempts: Option<i32>,
    unique_key: Option<&'j str>,
    fingerprint: Option<&'j str>,
    expires_after: Option<f64>,
    tags: Option<&'j [String]>,
    version: i32,
    retain: Option<String>,
    on_conflict: &'static str,
    timeout: Option<String>,
    metadata: Option<&'j RawValue>,
    unique_for: Option<String>,
    unique_while: &'static str,
    gate: Option<String>,
    cost: Option<i32>,
}

impl<'j> Passed<'j> {
    fn of(job: &'j NewJob) -> serde_json::Result<Self> {
        let (run_at, delay) = match job.due {
            Due::Now => (None, None),
            Due::At(at) => (Some(time(at)), None),
            Due::After(delay) => (None, Some(seconds(delay))),
        };
        Ok(Self {
            id: job.id,
            queue: &job.queue,
            kind: &job.kind,
            priority: job.priority,
            job_data: serde_json::from_str(&job.job_data)?,
            run_at,
            delay,
            max_attempts: job.max_attempts,
            unique_key: job.unique_key.as_deref(),
            fingerprint: job.fingerprint.as_deref(),
            expires_after: job.expires_after.map(seconds),
            tags: (!job.tags.is_empty()).then_some(job.tags.as_slice()),
            version: job.version,
            retain: job.retain.map(|retain| format!("{} s", seconds(retain))),
            on_conflict: job.on_conflict.word(),
            timeout: job.timeout.map(|timeout| format!("{} s", seconds(timeout))),
            metadata: job.metadata.as_deref().map(serde_json::from_str).transpose()?,
            unique_for: job.unique_for.map(|time| format!("{} s", seconds(time))),
            unique_while: job.unique_while.word(),
            gate: job.gate(),
            cost: job.cost,
        })
    }
}

/// A duration in seconds, limited to what the database can represent.
fn seconds(duration: std::time::Duration) -> f64 {
    const LONGEST: f64 = 3_650_000.0 * 24.0 * 60.0 * 60.0;
    f64::min(duration.as_secs_f64(), LONGEST)
}
