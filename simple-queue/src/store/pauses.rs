//! Statements about pauses of queues and kinds.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row, postgres::PgRow};

use super::{
    Store,
    decode::{Columns, Time, columns, interval, time},
};
use crate::row::Pause;

columns! {
    PauseColumns { queue, kind, paused_at, resume_at, reason, paused_by }
}

/// Kinds that are paused, each with its queue.
pub(crate) type PausedKinds = BTreeSet<(String, String)>;

/// What is paused, for how long and why.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewPause<'a> {
    pub(crate) queue: &'a str,
    /// `None`: the whole queue.
    pub(crate) kind: Option<&'a str>,
    pub(crate) resume_at: Option<DateTime<Utc>>,
    pub(crate) resume_after: Option<Duration>,
    pub(crate) reason: Option<String>,
    pub(crate) paused_by: Option<&'a str>,
}

/// What is known of a queue of which something was paused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PausedRow {
    pub(crate) is_served: bool,
    pub(crate) has_jobs: bool,
    pub(crate) was_paused: bool,
}

impl Store {
    /// Keeps the jobs of a queue, or of one of its kinds, from being started.
    pub(crate) async fn pause(
        &self,
        connection: &mut PgConnection,
        pause: &NewPause<'_>,
    ) -> sqlx::Result<PausedRow> {
        let paused = match pause.kind {
            None => {
                let paused = self.statements.pause_queue.query().bind("queue", pause.queue);
                let paused = paused.bind("resume_at", pause.resume_at.map(time));
                let paused = paused.bind("resume_after", pause.resume_after.map(interval));
                paused.bind("reason", &pause.reason).bind("paused_by", pause.paused_by)
            }
            Some(kind) => {
                let paused = self.statements.pause_kind.query().bind("queue", pause.queue);
                let paused = paused.bind("kind", kind).bind("channel", self.schema.channel());
                let paused = paused.bind("resume_at", pause.resume_at.map(time));
                let paused = paused.bind("resume_after", pause.resume_after.map(interval));
                paused.bind("reason", &pause.reason).bind("paused_by", pause.paused_by)
            }
        };
        let row = paused.fetch_one(connection).await?;
        Ok(PausedRow {
            is_served: row.try_get("is_served")?,
            has_jobs: row.try_get("has_jobs")?,
            was_paused: row.try_get("was_paused")?,
        })
    }

    /// Lets the jobs of a queue, or of one of its kinds, be started again. Returns whether it was paused.
    pub(crate) async fn resume(
        &self,
        connection: &mut PgConnection,
        queue: &str,
        kind: Option<&str>,
    ) -> sqlx::Result<bool> {
        let channel = self.schema.channel();
        let resumed = match kind {
            None => {
                let resumed = self.statements.resume_queue.query().bind("queue", queue);
                resumed.bind("channel", channel)
            }
            Some(kind) => {
                let resumed = self.statements.resume_kind.query().bind("queue", queue);
                resumed.bind("kind", kind).bind("channel", channel)
            }
        };
        Ok(resumed.fetch_optional(connection).await?.is_some())
    }

    /// Ends the pauses whose time is over.
    pub(crate) async fn end_pauses(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let ended = self.statements.end_pauses.query().bind("channel", self.schema.channel());
        ended.execute(connection).await.map(drop)
    }

    /// What is paused, by queue and kind.
    pub(crate) async fn list_pauses(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<Pause>> {
        let rows = self.statements.list_pauses.query().fetch_all(connection).await?;
        PauseColumns::read(&rows, |row, columns| {
            Ok(Pause {
                queue: row.try_get(columns.queue)?,
                kind: row.try_get(columns.kind)?,
                since: row.try_get::<Time, _>(columns.paused_at)?.0,
                until: row.try_get::<Option<Time>, _>(columns.resume_at)?.map(|Time(at)| at),
                reason: row.try_get(columns.reason)?,
                by: row.try_get(columns.paused_by)?,
            })
        })
    }
}

/// The columns of `parts/paused_kinds.sql`.
pub(super) fn read_paused_kinds(row: &PgRow) -> sqlx::Result<PausedKinds> {
    let queues: Vec<String> = row.try_get("paused_queues")?;
    let kinds: Vec<String> = row.try_get("paused_kinds")?;
    Ok(queues.into_iter().zip(kinds).collect())
}
