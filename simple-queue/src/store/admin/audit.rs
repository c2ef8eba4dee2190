//! What operators did, and how far acts on many jobs have come.

#[cfg(feature = "janitor")]
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::why::{LeftJob, Why};
#[cfg(feature = "janitor")]
use crate::store::decode::interval;
use crate::{
    job::to_json,
    store::{
        Store,
        decode::{Columns, Time, columns},
    },
};

columns! {
    ActColumns {
        id, actor, action, target, job_id, arguments, state, looked_at, done, left_alone, left_jobs, cursor, note,
        created_at, updated_at, ended_at,
    }
}

/// An act as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct ActRow {
    pub(crate) id: Uuid,
    pub(crate) actor: String,
    pub(crate) action: String,
    /// The filter in its written form.
    pub(crate) target: String,
    pub(crate) job_id: Option<Uuid>,
    pub(crate) arguments: Option<String>,
    pub(crate) state: String,
    pub(crate) looked_at: i64,
    pub(crate) done: i64,
    pub(crate) left_alone: i64,
    pub(crate) left: Vec<(Uuid, Why)>,
    /// The last job that was looked at.
    pub(crate) cursor: Option<Uuid>,
    pub(crate) note: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
}

/// An act that is written down.
#[derive(Debug, Clone)]
pub(crate) struct NewAct<'a> {
    pub(crate) id: Uuid,
    pub(crate) actor: &'a str,
    pub(crate) action: &'a str,
    pub(crate) target: String,
    pub(crate) job_id: Option<Uuid>,
    /// JSON.
    pub(crate) arguments: Option<String>,
    /// Whether it is an act on many jobs, of which nothing is done yet.
    pub(crate) is_running: bool,
    pub(crate) done: i64,
    pub(crate) left: &'a [(Uuid, Why)],
}

/// How far a bite took an act.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    pub(crate) cursor: Option<Uuid>,
    pub(crate) looked_at: i64,
    pub(crate) done: i64,
    pub(crate) left: Vec<(Uuid, Why)>,
    pub(crate) state: ActEnd,
    pub(crate) note: Option<String>,
}

/// Whether an act goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ActEnd {
    #[default]
    Running,
    Done,
    Failed,
}

impl ActEnd {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl Store {
    /// Writes down an act. One that is there already is left as it is.
    pub(crate) async fn insert_act(
        &self,
        connection: &mut PgConnection,
        act: &NewAct<'_>,
    ) -> sqlx::Result<()> {
        let looked_at = i64::from(!act.is_running);
        let inserted = self
            .statements
            .insert_act
            .query()
            .bind("id", act.id)
            .bind("actor", act.actor)
            .bind("action", act.action)
            .bind("target", &act.target)
            .bind("job_id", act.job_id)
            .bind("arguments", &act.arguments)
            .bind("state", if act.is_running { "running" } else { "done" })
            .bind("looked_at", looked_at)
            .bind("done", act.done)
            .bind("left_alone", i64::try_from(act.left.len()).unwrap_or(i64::MAX))
            .bind("left_jobs", written(act.left));
        inserted.execute(connection).await.map(drop)
    }

    /// Locks an act for its next bite; `None` if it has ended, or another process has it.
    pub(crate) async fn claim_act(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
    ) -> sqlx::Result<Option<ActRow>> {
        let claimed = self.statements.claim_act.query().bind("id", id);
        read_acts(&claimed.fetch_all(connection).await?).map(|mut acts| acts.pop())
    }

    pub(crate) async fn read_act(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
    ) -> sqlx::Result<Option<ActRow>> {
        let read = self.statements.read_act.query().bind("id", id);
        read_acts(&read.fetch_all(connection).await?).map(|mut acts| acts.pop())
    }

    /// The acts before one of them, the last first.
    pub(crate) async fn list_acts(
        &self,
        connection: &mut PgConnection,
        before: Option<Uuid>,
        limit: i64,
    ) -> sqlx::Result<Vec<ActRow>> {
        let listed = self.statements.list_acts.query().bind("before", before).bind("limit", limit);
        read_acts(&listed.fetch_all(connection).await?)
    }

    /// What was done to one job, the last first.
    pub(crate) async fn list_acts_on_job(
        &self,
        connection: &mut PgConnection,
        job_id: Uuid,
        limit: i64,
    ) -> sqlx::Result<Vec<ActRow>> {
        let listed = self.statements.list_acts_on_job.query().bind("job_id", job_id);
        read_acts(&listed.bind("limit", limit).fetch_all(connection).await?)
    }

    /// Writes how far an act has come.
    pub(crate) async fn advance_act(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
        progress: &Progress,
    ) -> sqlx::Result<()> {
        let advanced = self
            .statements
            .advance_act
            .query()
            .bind("id", id)
            .bind("cursor", progress.cursor)
            .bind("looked_at", progress.looked_at)
            .bind("done", progress.done)
            .bind("left_alone", i64::try_from(progress.left.len()).unwrap_or(i64::MAX))
            .bind("left_jobs", written(&progress.left))
            .bind("state", progress.state.as_str())
            .bind("note", &progress.note);
        advanced.execute(connection).await.map(drop)
    }

    /// Ends an act on many jobs after its present bite; returns whether it was running.
    pub(crate) async fn stop_act(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
    ) -> sqlx::Result<bool> {
        let stopped = self.statements.stop_act.query().bind("id", id);
        Ok(stopped.fetch_optional(connection).await?.is_some())
    }

    /// Lets a stopped act go on; returns whether it was stopped.
    pub(crate) async fn restart_act(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
    ) -> sqlx::Result<bool> {
        let restarted = self.statements.restart_act.query().bind("id", id);
        Ok(restarted.fetch_optional(connection).await?.is_some())
    }

    /// An act on many jobs that no process has gone on with for this time.
    #[cfg(feature = "janitor")]
    pub(crate) async fn find_forgotten_act(
        &self,
        connection: &mut PgConnection,
        after: Duration,
    ) -> sqlx::Result<Option<Uuid>> {
        let found = self.statements.find_forgotten_act.query().bind("after", interval(after));
        found.fetch_optional_scalar(connection).await
    }

    /// Lets an act that could not go on wait, and says why.
    #[cfg(feature = "janitor")]
    pub(crate) async fn put_off_act(
        &self,
        connection: &mut PgConnection,
        id: Uuid,
        note: &str,
    ) -> sqlx::Result<()> {
        let put_off = self.statements.put_off_act.query().bind("id", id).bind("note", note);
        put_off.execute(connection).await.map(drop)
    }

    /// Forgets acts that are older than this; returns how many, at most `limit`.
    #[cfg(feature = "janitor")]
    pub(crate) async fn delete_old_acts(
        &self,
        connection: &mut PgConnection,
        keep: Duration,
        limit: i64,
    ) -> sqlx::Result<u64> {
        let deleted = self.statements.delete_old_acts.query().bind("keep", interval(keep));
        Ok(deleted.bind("limit", limit).execute(connection).await?.rows_affected())
    }
}

/// The jobs that were left alone, as JSON; the row keeps no more than a hundred.
fn written(left: &[(Uuid, Why)]) -> String {
    const MOST: usize = 100;
    let left: Vec<LeftJob> =
        left.iter().take(MOST).map(|(id, why)| LeftJob::new(*id, *why)).collect();
    to_json(&left).expect("ids and words can be written")
}

fn read_acts(rows: &[PgRow]) -> sqlx::Result<Vec<ActRow>> {
    ActColumns::read(rows, |row, columns| {
        let left: Option<String> = row.try_get(columns.left_jobs)?;
        let left: Vec<LeftJob> =
            left.map(|left| serde_json::from_str(&left).unwrap_or_default()).unwrap_or_default();
        Ok(ActRow {
            id: row.try_get(columns.id)?,
            actor: row.try_get(columns.actor)?,
            action: row.try_get(columns.action)?,
            target: row.try_get(columns.target)?,
            job_id: row.try_get(columns.job_id)?,
            arguments: row.try_get(columns.arguments)?,
            state: row.try_get(columns.state)?,
            looked_at: row.try_get(columns.looked_at)?,
            done: row.try_get(columns.done)?,
            left_alone: row.try_get(columns.left_alone)?,
            left: left.iter().filter_map(LeftJob::read).collect(),
            cursor: row.try_get(columns.cursor)?,
            note: row.try_get(columns.note)?,
            created_at: row.try_get::<Time, _>(columns.created_at)?.0,
            updated_at: row.try_get::<Time, _>(columns.updated_at)?.0,
            ended_at: row.try_get::<Option<Time>, _>(columns.ended_at)?.map(|Time(at)| at),
        })
    })
}
