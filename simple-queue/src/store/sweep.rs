//! Statements that find and claim jobs below the floors.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, Row, types::Json};
use tracing::Instrument;
use uuid::Uuid;

use super::{
    Demand, Fetched, MARGIN, Position, Store,
    decode::{Columns, Time, columns, interval},
};
use crate::telemetry;

/// A part of a lane, below its floor.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LanePart<'p> {
    /// Its index in the list of requested parts.
    pub(crate) part: i32,
    pub(crate) queue: &'p str,
    pub(crate) priority: i16,
    /// `None`: all kinds but `excluded`.
    pub(crate) kinds: Option<&'p [&'static str]>,
    pub(crate) excluded: &'p [Cow<'static, str>],
    /// `None`: the beginning of the lane.
    pub(crate) from_run_at: Option<DateTime<Utc>>,
    pub(crate) from_id: Option<Uuid>,
    /// `None`: [`MARGIN`] before now.
    pub(crate) until_run_at: Option<DateTime<Utc>>,
    pub(crate) until_id: Option<Uuid>,
}

columns! {
    OvertakenColumns { part, run_at, id }
}

/// Jobs that were found below the floors.
#[derive(Debug)]
pub(crate) struct Overtaken {
    /// The database's time.
    pub(crate) now: DateTime<Utc>,
    /// Each job with the index of its part, ordered by part and then by due time.
    pub(crate) jobs: Vec<(usize, Position)>,
}

impl Store {
    /// Finds due jobs in these parts of lanes, at most `limit` in each part.
    pub(crate) async fn find_overtaken_jobs(
        &self,
        connection: &mut PgConnection,
        parts: &[LanePart<'_>],
        limit: i64,
    ) -> sqlx::Result<Overtaken> {
        let rows = self
            .statements
            .find_overtaken_jobs
            .query()
            .bind("parts", Json(parts))
            .bind("limit", limit)
            .bind("margin", interval(MARGIN))
            .fetch_all(connection)
            .instrument(telemetry::store::sweep(parts.len()))
            .await?;
        let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
        let columns = OvertakenColumns::of(first)?;
        let mut jobs = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(part) = row.try_get::<Option<i32>, _>(columns.part)? {
                let position = Position {
                    run_at: row.try_get::<Time, _>(columns.run_at)?.0,
                    id: row.try_get(columns.id)?,
                };
                jobs.push((usize::try_from(part).unwrap_or_default(), position));
            }
        }
        Ok(Overtaken { now: first.try_get("now")?, jobs })
    }

    /// Claims those of these jobs that are still due and that no other process has.
    pub(crate) async fn claim_overtaken_jobs(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        ids: &[Uuid],
    ) -> sqlx::Result<Fetched> {
        let rows = self
            .statements
            .claim_overtaken_jobs
            .query()
            .bind("worker_id", worker_id)
            .bind("ids", ids)
            .fetch_all(connection)
            .await?;
        Ok(Fetched::decode(&rows, worker_id, ids.len())?.0)
    }

    /// The next job to claim that has killed processes, among those that are demanded and not in `except`.
    pub(crate) async fn find_suspect(
        &self,
        connection: &mut PgConnection,
        demands: &[Demand],
        except: &[Uuid],
    ) -> sqlx::Result<Option<Uuid>> {
        let found = self.statements.find_suspect.query();
        let found = found.bind("demand", Json(demands)).bind("except", except);
        found.fetch_optional_scalar(connection).await
    }

    /// Claims one job that has killed processes, among those that are demanded and not in `except`; if `only` is set,
    /// that job.
    pub(crate) async fn claim_suspect(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        demands: &[Demand],
        only: Option<Uuid>,
        except: &[Uuid],
    ) -> sqlx::Result<Fetched> {
        let rows = self
            .statements
            .claim_suspect
            .query()
            .bind("worker_id", worker_id)
            .bind("demand", Json(demands))
            .bind("only", only)
            .bind("except", except)
            .fetch_all(connection)
            .await?;
        Ok(Fetched::decode(&rows, worker_id, 1)?.0)
    }

    /// The first used priority of a queue between these two, both excluded.
    pub(crate) async fn find_lane(
        &self,
        connection: &mut PgConnection,
        queue: &str,
        low: i32,
        high: i32,
    ) -> sqlx::Result<Option<i16>> {
        let found = self.statements.find_lane.query();
        let found = found.bind("queue", queue).bind("low", low).bind("high", high);
        found.fetch_optional_scalar(connection).await
    }
}
