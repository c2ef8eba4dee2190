//! What operators did.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Admin, Right};
use crate::{
    Error,
    database::again,
    store::{ActRow, Why},
};

/// What somebody did, on one job or on many. It is kept for 90 days.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActRecord {
    /// The id; later acts have larger ones.
    pub id: Uuid,
    /// Who did it.
    pub actor: String,
    /// What was done to jobs: `retry`, `cancel`, `delete`, `move` (to another queue, priority or
    /// time), `edit`, `run_again` or `enqueue`; or to a queue, a limit or a schedule: `pause`,
    /// `resume`, `set`, `reset` and others.
    pub action: String,
    /// To what: jobs or a queue as the written form of a [`JobFilter`](crate::JobFilter),
    /// `limit:NAME`, or `schedule:NAME`.
    pub target: String,
    /// The job, of an act on one.
    pub job_id: Option<Uuid>,
    /// What was asked for beside that, as a JSON object. Payloads are not in it, only the names of
    /// arguments that were changed.
    pub arguments: Option<String>,
    /// How far it is.
    pub state: ActState,
    /// How many rows were looked at, at least.
    pub looked_at: u64,
    /// To how many jobs it was done.
    pub done: u64,
    /// How many jobs were left as they are.
    pub left_alone: u64,
    /// The first hundred of those, and why.
    pub left: Vec<(Uuid, Why)>,
    /// Why it failed.
    pub note: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it last went on.
    pub updated_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// How far an act is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ActState {
    /// It goes on, or will be gone on with.
    Running,
    /// It came to its end.
    Done,
    /// [`Admin::stop`] ended it.
    Stopped,
    /// It cannot be carried out.
    Failed,
}

impl fmt::Display for ActState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        })
    }
}

impl ActRecord {
    pub(super) fn of(row: ActRow) -> Self {
        let count = |number| u64::try_from(number).unwrap_or_default();
        Self {
            id: row.id,
            actor: row.actor,
            action: row.action,
            target: row.target,
            job_id: row.job_id,
            arguments: row.arguments,
            state: match row.state.as_str() {
                "running" => ActState::Running,
                "done" => ActState::Done,
                "stopped" => ActState::Stopped,
                _ => ActState::Failed,
            },
            looked_at: count(row.looked_at),
            done: count(row.done),
            left_alone: count(row.left_alone),
            left: row.left,
            note: row.note,
            created_at: row.created_at,
            updated_at: row.updated_at,
            ended_at: row.ended_at,
        }
    }
}

impl Admin {
    /// Lists what was done, the last first, at most 1,000 acts: those before this one, or the last
    /// ones.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without [`Right::SeeContents`], because filters quote what jobs
    /// contain; [`Error::Database`] when it fails.
    pub async fn acts(&self, before: Option<Uuid>, limit: usize) -> Result<Vec<ActRecord>, Error> {
        self.demand(Right::SeeContents)?;
        let limit = i64::try_from(limit.clamp(1, 1000)).unwrap_or(1000);
        let listed = again!(tries => self.queue.ask_for(1, async |connection| {
            self.queue.store().list_acts(connection, before, limit).await
        }));
        let listed = listed.map_err(Error::database("list acts"))?;
        Ok(listed.into_iter().map(ActRecord::of).collect())
    }

    /// Finds an act: what it did, and how far it is.
    ///
    /// # Errors
    /// Those of [`Admin::acts`].
    pub async fn act(&self, id: Uuid) -> Result<Option<ActRecord>, Error> {
        self.demand(Right::SeeContents)?;
        let read = again!(tries => self.queue.ask_for(1, async |connection| {
            self.queue.store().read_act(connection, id).await
        }));
        Ok(read.map_err(Error::database("read an act"))?.map(ActRecord::of))
    }
}
