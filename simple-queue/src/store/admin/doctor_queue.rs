//! What a doctor of the queue reads of the processes, their runs and the history. Nothing here changes anything.

use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::store::{
    Store,
    decode::{Columns, columns},
};

/// A run of which its process has told.
#[derive(Debug)]
pub(crate) struct RunLook {
    pub(crate) id: Uuid,
    pub(crate) queue: String,
    pub(crate) kind: String,
    pub(crate) host: String,
    pub(crate) pid: i32,
    pub(crate) seconds: f64,
    pub(crate) timeout: Option<f64>,
    pub(crate) cancel_asked: Option<f64>,
}

/// Dead letters that the code cannot read.
#[derive(Debug)]
pub(crate) struct UnreadableLook {
    pub(crate) kind: String,
    pub(crate) jobs: i64,
    pub(crate) reason: String,
}

/// Runs that ended, and those that ended for good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EndsLook {
    pub(crate) runs: i64,
    pub(crate) dead: i64,
    pub(crate) runs_before: i64,
    pub(crate) dead_before: i64,
}

/// Seconds since what one process does for all was last done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UpkeepLook {
    pub(crate) counted: Option<f64>,
    pub(crate) looked: Option<f64>,
    pub(crate) tidied: Option<f64>,
    pub(crate) workers: i64,
    pub(crate) working: Option<f64>,
}

/// A day of the archive that is not as it should be.
#[derive(Debug)]
pub(crate) struct DayLook {
    pub(crate) what: String,
    pub(crate) name: String,
    pub(crate) from_today: i32,
}

columns! {
    RunColumns { id, queue, kind, host, pid, seconds, timeout, cancel_asked }
}

columns! {
    UnreadableColumns { kind, jobs, reason }
}

columns! {
    DayColumns { what, name, from_today }
}

impl Store {
    pub(crate) async fn look_at_runs(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<RunLook>> {
        let rows = self.statements.look_at_runs.query().fetch_all(connection).await?;
        RunColumns::read(&rows, |row, columns| {
            Ok(RunLook {
                id: row.try_get(columns.id)?,
                queue: row.try_get(columns.queue)?,
                kind: row.try_get(columns.kind)?,
                host: row.try_get(columns.host)?,
                pid: row.try_get(columns.pid)?,
                seconds: row.try_get(columns.seconds)?,
                timeout: row.try_get(columns.timeout)?,
                cancel_asked: row.try_get(columns.cancel_asked)?,
            })
        })
    }

    /// How many of the oldest jobs are in the name of a process without a row, and the oldest of them.
    pub(crate) async fn count_orphans(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<(i64, Option<Uuid>)> {
        let row = self.statements.count_orphans.query().fetch_one(connection).await?;
        Ok((row.try_get("jobs")?, row.try_get("id")?))
    }

    pub(crate) async fn look_at_dead_letters(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<UnreadableLook>> {
        let rows = self.statements.look_at_dead_letters.query().fetch_all(connection).await?;
        UnreadableColumns::read(&rows, |row, columns| {
            Ok(UnreadableLook {
                kind: row.try_get(columns.kind)?,
                jobs: row.try_get(columns.jobs)?,
                reason: row.try_get(columns.reason)?,
            })
        })
    }

    pub(crate) async fn look_at_ends(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<EndsLook> {
        let row = self.statements.look_at_ends.query().fetch_one(connection).await?;
        Ok(EndsLook {
            runs: row.try_get("runs")?,
            dead: row.try_get("dead")?,
            runs_before: row.try_get("runs_before")?,
            dead_before: row.try_get("dead_before")?,
        })
    }

    pub(crate) async fn look_at_upkeep(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<UpkeepLook> {
        let row = self.statements.look_at_upkeep.query().fetch_one(connection).await?;
        Ok(UpkeepLook {
            counted: row.try_get("counted")?,
            looked: row.try_get("looked")?,
            tidied: row.try_get("tidied")?,
            workers: row.try_get("workers")?,
            working: row.try_get("working")?,
        })
    }

    pub(crate) async fn look_at_partitions(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<DayLook>> {
        let rows = self.statements.look_at_partitions.query().fetch_all(connection).await?;
        DayColumns::read(&rows, |row, columns| {
            Ok(DayLook {
                what: row.try_get(columns.what)?,
                name: row.try_get(columns.name)?,
                from_today: row.try_get(columns.from_today)?,
            })
        })
    }
}
