//! Statements that claim jobs, and return what an unheard claim took.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};
use sqlx::{PgConnection, Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use super::{Store, seconds};
use crate::{
    job::JobStatus,
    row::{Claim, DEFAULT_MAX_ATTEMPTS, Job, Lease},
};

/// What a process can start now, of one queue.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Demand {
    pub(crate) queue: String,
    pub(crate) permits: usize,
    /// The priorities that are known to be in use; others are looked for.
    pub(crate) priorities: Vec<i16>,
    pub(crate) shares: Vec<DemandedShare>,
}

/// Kinds of a queue of which together so many can be started.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DemandedShare {
    pub(crate) permits: usize,
    /// `None`: all of the queue's but `excluded`.
    pub(crate) kinds: Option<Vec<&'static str>>,
    pub(crate) excluded: Vec<&'static str>,
    /// Where each priority is read from; from its beginning where nothing is said.
    pub(crate) floors: Vec<LaneFloor>,
}

impl DemandedShare {
    /// Whether jobs of this kind are among them.
    pub(crate) fn takes(&self, kind: &str) -> bool {
        match &self.kinds {
            Some(kinds) => kinds.contains(&kind),
            None => !self.excluded.contains(&kind),
        }
    }
}

/// Nothing that is due lies before this row, as far as its process knows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct LaneFloor {
    pub(crate) priority: i16,
    pub(crate) run_at: DateTime<Utc>,
    pub(crate) id: Uuid,
}

/// What a fetch brought.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// The claimed jobs, the most urgent first.
    pub(crate) jobs: Vec<FetchedJob>,
    /// How long until the next job of the served queues is due; known only when permits were left.
    pub(crate) next_due_in: Option<Duration>,
    /// The database's time when it claimed.
    pub(crate) now: DateTime<Utc>,
    /// How many it might claim at most.
    limit: usize,
    /// The priorities of each queue that it read.
    lanes: HashMap<String, Vec<i16>>,
}

impl Fetched {
    /// Whether more of this queue may be due than was claimed, because permits were used up.
    pub(crate) fn stopped_by_limit(&self, demand: &Demand) -> bool {
        let of_queue = || self.jobs.iter().filter(|fetched| fetched.job.queue == demand.queue);
        let full = |share: &DemandedShare| {
            of_queue().filter(|fetched| share.takes(fetched.job.kind())).count() >= share.permits
        };
        self.jobs.len() >= self.limit
            || of_queue().count() >= demand.permits
            || demand.shares.iter().any(full)
    }

    pub(crate) fn lanes_of(&self, queue: &str) -> &[i16] {
        self.lanes.get(queue).map(Vec::as_slice).unwrap_or_default()
    }
}

/// A claimed job whose number of attempts may still be its handler's to say.
#[derive(Debug)]
pub(crate) struct FetchedJob {
    pub(crate) job: Job,
    pub(crate) claim: Claim,
    pub(crate) priority: i16,
    pub(crate) max_attempts: Option<i32>,
    /// Why the payload is no JSON that can be read here, where it is not: nested too deep, for
    /// instance. One such row must not keep the others of its batch from running.
    pub(crate) unreadable: Option<String>,
}

impl Store {
    /// Claims due jobs in one round trip: at most `limit`, and of each queue at most what is demanded.
    pub(crate) async fn fetch_jobs(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        demands: &[Demand],
        limit: usize,
    ) -> sqlx::Result<Fetched> {
        let rows = self
            .statements
            .fetch_jobs
            .query()
            .bind(worker_id)
            .bind(Json(demands))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(connection)
            .await?;
        // There is always one row, so that the wait comes back with an empty claim too.
        let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let (wait, now): (Option<f64>, _) = (first.try_get("wait")?, first.try_get("now")?);
        let lanes: Option<Json<HashMap<String, Vec<i16>>>> = first.try_get("lanes")?;
        let lanes = lanes.map(|Json(lanes)| lanes).unwrap_or_default();
        let mut jobs = Vec::with_capacity(rows.len());
        for row in &rows {
            // The one row of an empty claim carries the wait only.
            if row.try_get::<Option<Uuid>, _>("id")?.is_some() {
                jobs.push(FetchedJob::decode(row, worker_id)?);
            }
        }
        // An update returns its rows in the order it found them in the table.
        jobs.sort_unstable_by_key(|fetched| (fetched.priority, fetched.job.run_at, fetched.job.id));
        Ok(Fetched { jobs, next_due_in: wait.map(seconds), now, limit, lanes })
    }

    /// What waits in these queues and is of none of these kinds.
    pub(crate) async fn list_unserved_kinds(
        &self,
        connection: &mut PgConnection,
        served: &[(&str, Vec<&str>)],
    ) -> sqlx::Result<Vec<UnservedKind>> {
        let asked: Vec<Value> =
            served.iter().map(|(queue, kinds)| json!({ "queue": queue, "kinds": kinds })).collect();
        let rows = self
            .statements
            .list_unserved_kinds
            .query()
            .bind(Json(asked))
            .fetch_all(connection)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(UnservedKind {
                    queue: row.try_get("queue")?,
                    kind: row.try_get("kind")?,
                    since: row.try_get("since")?,
                })
            })
            .collect()
    }
}

/// Jobs that have been due for a while and that the process does not run.
#[derive(Debug)]
pub(crate) struct UnservedKind {
    pub(crate) queue: String,
    pub(crate) kind: String,
    pub(crate) since: DateTime<Utc>,
}

impl FetchedJob {
    fn decode(row: &PgRow, worker_id: Uuid) -> sqlx::Result<Self> {
        let job_id = row.try_get("id")?;
        let max_attempts: Option<i32> = row.try_get("max_attempts")?;
        let text: Json<Box<RawValue>> = row.try_get("job_data")?;
        let (job_data, unreadable) = match serde_json::from_str(text.get()) {
            Ok(value) => (value, None),
            Err(error) => (Value::Null, Some(error.to_string())),
        };
        let claim = Claim {
            lease: Lease { job_id, worker_id, number: row.try_get("lease")? },
            timeout: row.try_get::<Option<f64>, _>("timeout")?.map(seconds),
            reprocess_count: row.try_get("reprocess_count")?,
            crash_count: row.try_get("crash_count")?,
            expired: row.try_get("expired")?,
            run: Arc::default(),
        };
        let mut job = job(row, job_data, JobStatus::Running.as_str().to_owned())?;
        job.claim = Some(claim.clone());
        Ok(Self { job, claim, priority: row.try_get("priority")?, max_attempts, unreadable })
    }
}

/// A job's row, as its handler reads it.
pub(super) fn job(row: &PgRow, job_data: Value, status: String) -> sqlx::Result<Job> {
    let max_attempts: Option<i32> = row.try_get("max_attempts")?;
    Ok(Job {
        id: row.try_get("id")?,
        fingerprint: row.try_get("fingerprint")?,
        unique_key: row.try_get("unique_key")?,
        queue: row.try_get("queue")?,
        job_data,
        status,
        created_at: row.try_get("created_at")?,
        run_at: row.try_get("run_at")?,
        updated_at: row.try_get("updated_at")?,
        attempt: row.try_get("attempt")?,
        max_attempts: max_attempts.unwrap_or(DEFAULT_MAX_ATTEMPTS),
        kind: row.try_get("kind")?,
        version: row.try_get("version")?,
        claim: None,
    })
}
