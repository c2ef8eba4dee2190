//! Statements that return jobs of processes that no longer work on them.

use std::{ops::AddAssign, time::Duration};

use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::{
    Silent, Store,
    decode::{Columns, columns, interval},
};

/// How many jobs and processes were affected.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reaped {
    /// Processes whose rows were deleted.
    pub(crate) workers: i64,
    /// Jobs that went back to pending.
    pub(crate) returned: i64,
    /// Jobs that had killed too many processes, or were to be cancelled anyway.
    pub(crate) dead_lettered: i64,
}

impl AddAssign for Reaped {
    fn add_assign(&mut self, more: Self) {
        self.workers += more.workers;
        self.returned += more.returned;
        self.dead_lettered += more.dead_lettered;
    }
}

/// In whose name the jobs to return are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Name<'n> {
    /// Of a dead process, if its heartbeat has not moved since it was seen.
    Dead(&'n Silent),
    /// Of worker ids without a row. Such an id never comes back: a process claims only under its own row.
    Ghosts,
    /// Of the calling process, except those in `held`: it does not know of the others.
    Own { worker_id: Uuid, held: &'n [Uuid] },
}

/// A job in the name of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Orphan {
    pub(crate) id: Uuid,
    pub(crate) worker_id: Uuid,
}

columns! {
    OrphanColumns { id, worker_id }
}

/// A dead process whose row is locked, and the job that is blamed for its death, if there is one.
type Locked = (Uuid, Option<Uuid>);

/// Whose jobs are returned, and how.
struct Returning<'r> {
    workers: &'r [Locked],
    held: &'r [Uuid],
    crashed: bool,
    ghosts: bool,
    max_crash_count: i32,
}

impl Store {
    /// Deletes the rows of these processes if their heartbeats have not moved, and returns their jobs, except those
    /// that are left out; with `ghosts` also the jobs of worker ids without a row. Needs a transaction.
    ///
    /// Three statements, because each must see what was committed before it. First the processes' rows are locked, so
    /// that nothing more is claimed in their names. Then their jobs are returned. Then the processes without jobs are
    /// deleted.
    pub(crate) async fn reap_workers(
        &self,
        connection: &mut PgConnection,
        dead: &[Silent],
        ghosts: bool,
        left_out: &[Uuid],
        max_crash_count: i32,
    ) -> sqlx::Result<Reaped> {
        let locked = self.lock_dead_workers(connection, dead).await?;
        let workers = locked.as_slice();
        let returning =
            Returning { workers, held: left_out, crashed: true, ghosts, max_crash_count };
        let mut reaped = self.return_jobs(connection, &returning).await?;
        if !workers.is_empty() {
            let ids: Vec<Uuid> = workers.iter().map(|&(id, _)| id).collect();
            reaped.workers = self.delete_dead_workers(connection, &ids).await?;
        }
        Ok(reaped)
    }

    /// Scans the whole table, if no process has done so within this interval: returns the jobs of worker ids without a
    /// row, and tells the other processes which jobs have long been in their names. `None`: it is not due. Needs a
    /// transaction.
    pub(crate) async fn look_for_orphans(
        &self,
        connection: &mut PgConnection,
        pause: Duration,
        left_out: &[Uuid],
        max_crash_count: i32,
    ) -> sqlx::Result<Option<Reaped>> {
        if !self.claim_upkeep(&mut *connection, "orphans", pause).await? {
            return Ok(None);
        }
        let returning = Returning {
            workers: &[],
            held: left_out,
            crashed: true,
            ghosts: true,
            max_crash_count,
        };
        let reaped = self.return_jobs(connection, &returning).await?;
        self.delete_idle_gates(connection).await?;
        self.statements.tell_long_running.query().execute(connection).await?;
        Ok(Some(reaped))
    }

    /// Takes a task that one process does for all, until the end of the transaction. Returns whether it was last done
    /// longer ago than this pause.
    pub(super) async fn claim_upkeep(
        &self,
        connection: &mut PgConnection,
        task: &str,
        pause: Duration,
    ) -> sqlx::Result<bool> {
        let claim = self.statements.claim_upkeep.query().bind("task", task);
        let claim = claim.bind("pause", interval(pause));
        let claimed: Option<String> = claim.fetch_optional_scalar(connection).await?;
        Ok(claimed.is_some())
    }

    /// Returns the jobs that run in this worker's name and are not in `held`.
    pub(crate) async fn return_unheld_jobs(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        held: &[Uuid],
    ) -> sqlx::Result<Reaped> {
        let returning = Returning {
            workers: &[(worker_id, None)],
            held,
            crashed: false,
            ghosts: false,
            max_crash_count: i32::MAX,
        };
        self.return_jobs(connection, &returning).await
    }

    /// The jobs in a name, in the order in which rows are locked. Scans the whole table.
    pub(crate) async fn list_orphans(
        &self,
        connection: &mut PgConnection,
        name: Name<'_>,
    ) -> sqlx::Result<Vec<Orphan>> {
        let (workers, held, ghosts) = match name {
            Name::Dead(process) => (vec![process.id], &[][..], false),
            Name::Ghosts => (vec![], &[][..], true),
            Name::Own { worker_id, held } => (vec![worker_id], held, false),
        };
        let listed = self.statements.list_orphans.query();
        let listed = listed.bind("workers", workers).bind("held", held).bind("ghosts", ghosts);
        let rows = listed.fetch_all(connection).await?;
        OrphanColumns::read(&rows, |row, columns| {
            Ok(Orphan { id: row.try_get(columns.id)?, worker_id: row.try_get(columns.worker_id)? })
        })
    }

    /// Returns these jobs while they are in that name. `None`: the process is alive after all, or another process is
    /// returning them. Needs a transaction.
    pub(crate) async fn return_listed_jobs(
        &self,
        connection: &mut PgConnection,
        listed: &[Orphan],
        name: Name<'_>,
        max_crash_count: i32,
    ) -> sqlx::Result<Option<Reaped>> {
        let Some(suspect_id) = self.fence(connection, name).await? else { return Ok(None) };
        let crashed = !matches!(name, Name::Own { .. });
        let (ids, workers): (Vec<Uuid>, Vec<Uuid>) =
            listed.iter().map(|orphan| (orphan.id, orphan.worker_id)).unzip();
        let row = self
            .statements
            .return_listed_jobs
            .query()
            .bind("ids", ids)
            .bind("workers", workers)
            .bind("suspect_id", suspect_id)
            .bind("crashed", crashed)
            .bind("max_crash_count", if crashed { max_crash_count } else { i32::MAX })
            .bind("channel", self.schema.channel())
            .fetch_one(connection)
            .await?;
        reaped(&row).map(Some)
    }

    /// Moves a job that cannot be returned to the dead letters, under the same conditions. Needs a transaction.
    pub(crate) async fn set_aside_orphan(
        &self,
        connection: &mut PgConnection,
        orphan: Orphan,
        name: Name<'_>,
        why: (&str, &sqlx::Error),
    ) -> sqlx::Result<bool> {
        match self.fence(connection, name).await? {
            Some(_) => self.set_aside_job(connection, orphan.id, Some(orphan.worker_id), why).await,
            None => Ok(false),
        }
    }

    /// Makes sure, for the rest of the transaction, that a dead process stays dead. Returns the job that is blamed for
    /// its death, if there is one.
    async fn fence(
        &self,
        connection: &mut PgConnection,
        name: Name<'_>,
    ) -> sqlx::Result<Option<Option<Uuid>>> {
        let Name::Dead(process) = name else { return Ok(Some(None)) };
        let locked = self.lock_dead_workers(connection, std::slice::from_ref(process)).await?;
        Ok(locked.first().map(|&(_, suspect_id)| suspect_id))
    }

    async fn lock_dead_workers(
        &self,
        connection: &mut PgConnection,
        dead: &[Silent],
    ) -> sqlx::Result<Vec<Locked>> {
        let (ids, heartbeats): (Vec<_>, Vec<_>) =
            dead.iter().map(|silent| (silent.id, silent.heartbeat_at)).unzip();
        let locked = self.statements.lock_dead_workers.query();
        let locked = locked.bind("ids", ids).bind("heartbeats", heartbeats);
        let rows = locked.fetch_all(connection).await?;
        rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("suspect_id")?))).collect()
    }

    async fn return_jobs(
        &self,
        connection: &mut PgConnection,
        returning: &Returning<'_>,
    ) -> sqlx::Result<Reaped> {
        let (workers, suspects): (Vec<Uuid>, Vec<Option<Uuid>>) =
            returning.workers.iter().copied().unzip();
        let row = self
            .statements
            .return_jobs
            .query()
            .bind("workers", workers)
            .bind("suspects", suspects)
            .bind("held", returning.held)
            .bind("crashed", returning.crashed)
            .bind("ghosts", returning.ghosts)
            .bind("max_crash_count", returning.max_crash_count)
            .bind("channel", self.schema.channel())
            .fetch_one(connection)
            .await?;
        reaped(&row)
    }

    async fn delete_dead_workers(
        &self,
        connection: &mut PgConnection,
        workers: &[Uuid],
    ) -> sqlx::Result<i64> {
        self.statements
            .delete_dead_workers
            .query()
            .bind("workers", workers)
            .bind("channel", self.schema.channel())
            .fetch_scalar(connection)
            .await
    }
}

fn reaped(row: &sqlx::postgres::PgRow) -> sqlx::Result<Reaped> {
    Ok(Reaped {
        workers: 0,
        returned: row.try_get("returned")?,
        dead_lettered: row.try_get("dead_lettered")?,
    })
}
