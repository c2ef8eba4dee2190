//! The rows of a claim: its jobs and its summary.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::{Row, postgres::PgRow, types::Json};
use uuid::Uuid;

use super::decode::{Columns, JobColumns, columns, read_job, seconds};
use crate::{
    row::{Claim, Job, Lease, RuleId},
    stats::SeriesId,
};

/// A claimed job whose payload is not read yet, and whose number of attempts its handler may still decide.
#[derive(Debug)]
pub(crate) struct FetchedJob {
    pub(crate) job: Job,
    pub(crate) claim: Claim,
    pub(crate) priority: i16,
    pub(crate) max_attempts: Option<i32>,
    /// When the job must have started, by the rate of its key.
    pub(crate) token: Option<KeyToken>,
    /// Where its run is counted; `None`: nowhere.
    pub(crate) series: Option<SeriesId>,
}

/// The token of a job under a rate that holds for each key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyToken {
    /// How long after the claim was sent the job may start.
    pub(crate) start_within: Duration,
    pub(crate) start_by: Option<Instant>,
}

/// The rows of a claim.
pub(super) struct Claimed<'r> {
    rows: &'r [PgRow],
    columns: (JobColumns, ClaimColumns),
    pub(super) text: &'r str,
    pub(super) summary: FetchSummary,
}

impl<'r> Claimed<'r> {
    pub(super) fn read(rows: &'r [PgRow]) -> sqlx::Result<Self> {
        let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let columns = (JobColumns::of(first)?, ClaimColumns::of(first)?);
        // The union returns the summary last, but SQL does not guarantee that.
        let summary = rows
            .iter()
            .rev()
            .find_map(|row| row.try_get::<Option<_>, _>(columns.1.summary).transpose());
        let Json(text): Json<&'r RawValue> = summary.ok_or(sqlx::Error::RowNotFound)??;
        let text = text.get();
        Ok(Self { rows, columns, text, summary: read_summary(text)? })
    }

    #[expect(clippy::vec_box, reason = "the jobs are moved on one by one")]
    pub(super) fn jobs(
        &self,
        worker_id: Uuid,
        rule: Option<RuleId>,
    ) -> sqlx::Result<Vec<Box<FetchedJob>>> {
        let mut jobs = Vec::with_capacity(self.rows.len().saturating_sub(1));
        for row in self.rows {
            if row.try_get::<Option<Uuid>, _>(self.columns.0.id)?.is_some() {
                let of = (worker_id, rule);
                jobs.push(FetchedJob::decode(row, &self.columns, of, self.summary.now)?);
            }
        }
        Ok(jobs)
    }
}

/// Reads a part of the summary's text. A struct with a flattened one in it would keep a copy of all the text's values
/// first, and the text has an id of each completed run.
pub(super) fn read_summary<'t, T: Deserialize<'t>>(text: &'t str) -> sqlx::Result<T> {
    serde_json::from_str(text).map_err(|problem| sqlx::Error::Decode(problem.into()))
}

/// The summary of a claim.
#[derive(Debug, Deserialize)]
pub(super) struct FetchSummary {
    pub(super) now: DateTime<Utc>,
    pub(super) completed: Vec<Uuid>,
    /// In seconds.
    pub(super) wait: Option<f64>,
    pub(super) lanes: Option<HashMap<String, Vec<i16>>>,
}

columns! {
    /// The columns of a claim beside those of the job.
    ClaimColumns { lease, reprocess_count, crash_count, timeout, expired, priority, max_attempts, summary }
}

impl FetchedJob {
    fn decode(
        row: &PgRow,
        (of_job, columns): &(JobColumns, ClaimColumns),
        (worker_id, rule): (Uuid, Option<RuleId>),
        now: DateTime<Utc>,
    ) -> sqlx::Result<Box<Self>> {
        let mut job = read_job(row, of_job)?;
        // Rarely set counters come as null when they are 0.
        let count = |column: usize| -> sqlx::Result<i32> {
            Ok(row.try_get::<Option<_>, _>(column)?.unwrap_or_default())
        };
        let claim = Claim {
            lease: Lease { job_id: job.id, worker_id, number: row.try_get(columns.lease)?, rule },
            reprocess_count: count(columns.reprocess_count)?,
            crash_count: count(columns.crash_count)?,
            timeout: row.try_get::<Option<f64>, _>(columns.timeout)?.map(seconds),
            expired: row.try_get::<Option<_>, _>(columns.expired)?.unwrap_or_default(),
            run: Arc::default(),
        };
        // The claim is the last change of the row.
        job.updated_at = Some(now);
        job.claim = Some(claim.clone());
        Ok(Box::new(Self {
            job,
            claim,
            priority: row.try_get(columns.priority)?,
            max_attempts: row.try_get(columns.max_attempts)?,
            token: None,
            series: None,
        }))
    }
}

#[cfg(test)]
impl FetchedJob {
    /// A plain job of a priority that was due at this time.
    pub(crate) fn claimed_at(priority: i16, run_at: DateTime<Utc>, id: Uuid) -> Self {
        let mut job = Job::new("q", serde_json::Value::Null);
        (job.id, job.run_at) = (id, Some(run_at));
        let claim = Claim {
            lease: Lease { job_id: id, worker_id: Uuid::nil(), number: 1, rule: None },
            timeout: None,
            reprocess_count: 0,
            crash_count: 0,
            expired: false,
            run: Arc::default(),
        };
        Self { job, claim, priority, max_attempts: None, token: None, series: None }
    }
}
