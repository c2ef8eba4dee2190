//! Statements that return jobs which no process works on any more.

use std::time::Duration;

use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::{Silent, Store, decode::interval};

/// What a reaping came to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reaped {
    /// Processes that were buried.
    pub(crate) workers: i64,
    /// Jobs that went back to pending.
    pub(crate) returned: i64,
    /// Jobs that had killed too many processes, or were to be cancelled anyway.
    pub(crate) dead_lettered: i64,
}

/// Whose jobs are returned, and how.
struct Returning<'r> {
    workers: &'r [Uuid],
    /// For each worker the job that is to blame for its death, where one is.
    suspects: &'r [Option<Uuid>],
    held: &'r [Uuid],
    crashed: bool,
    orphans: bool,
    max_crash_count: i32,
}

impl Store {
    /// Buries these processes where their heartbeat has not moved, and returns their jobs and those of
    /// processes that are in no row.
    ///
    /// Three statements in one transaction, because each must see what was committed before it: the
    /// processes are locked, so that nothing more is claimed in their names; then their jobs are looked
    /// for; then those are buried that have none left.
    pub(crate) async fn reap_workers(
        &self,
        connection: &mut PgConnection,
        dead: &[Silent],
        max_crash_count: i32,
    ) -> sqlx::Result<Reaped> {
        let mut tx = connection.begin_with("begin isolation level read committed").await?;
        let locked = self
            .statements
            .lock_dead_workers
            .query()
            .bind(dead.iter().map(|silent| silent.id).collect::<Vec<_>>())
            .bind(dead.iter().map(|silent| silent.heartbeat_at).collect::<Vec<_>>())
            .fetch_all(&mut *tx)
            .await?;
        let workers =
            locked.iter().map(|row| row.try_get("id")).collect::<sqlx::Result<Vec<Uuid>>>()?;
        let suspects = locked
            .iter()
            .map(|row| row.try_get("suspect_id"))
            .collect::<sqlx::Result<Vec<Option<Uuid>>>>()?;
        let (workers, suspects) = (workers.as_slice(), suspects.as_slice());
        let returning = Returning {
            workers,
            suspects,
            held: &[],
            crashed: true,
            orphans: true,
            max_crash_count,
        };
        let reaped = self.return_jobs(&mut tx, &returning).await?;
        let buried = match workers {
            [] => 0,
            workers => self.bury_workers(&mut tx, workers).await?,
        };
        tx.commit().await?;
        Ok(Reaped { workers: buried, ..reaped })
    }

    /// Looks at the whole table, if that was last done by any process so long ago: returns the jobs of processes
    /// that are in no row, and tells the others what is in their names for long. `None`: it is not due.
    pub(crate) async fn look_for_orphans(
        &self,
        connection: &mut PgConnection,
        pause: Duration,
        max_crash_count: i32,
    ) -> sqlx::Result<Option<Reaped>> {
        let mut tx = connection.begin_with("begin isolation level read committed").await?;
        let claimed: Option<String> = self
            .statements
            .claim_upkeep
            .query_scalar()
            .bind("orphans")
            .bind(interval(pause))
            .fetch_optional(&mut *tx)
            .await?;
        if claimed.is_none() {
            // Only queued by a drop, it would leave the session in its transaction until the next look.
            tx.rollback().await?;
            return Ok(None);
        }
        let returning = Returning {
            workers: &[],
            suspects: &[],
            held: &[],
            crashed: true,
            orphans: true,
            max_crash_count,
        };
        let reaped = self.return_jobs(&mut tx, &returning).await?;
        self.statements.tell_long_running.query().execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(Some(reaped))
    }

    /// The jobs in the name of a process.
    pub(crate) async fn list_jobs_of_worker(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
    ) -> sqlx::Result<Vec<Uuid>> {
        self.statements
            .list_jobs_of_worker
            .query_scalar()
            .bind(worker_id)
            .fetch_all(connection)
            .await
    }

    /// Returns what runs in this worker's name and is not among what it knows of.
    pub(crate) async fn return_unheld_jobs(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        held: &[Uuid],
    ) -> sqlx::Result<Reaped> {
        let returning = Returning {
            workers: &[worker_id],
            suspects: &[None],
            held,
            crashed: false,
            orphans: false,
            max_crash_count: i32::MAX,
        };
        self.return_jobs(connection, &returning).await
    }

    async fn return_jobs(
        &self,
        connection: &mut PgConnection,
        returning: &Returning<'_>,
    ) -> sqlx::Result<Reaped> {
        let row = self
            .statements
            .return_jobs
            .query()
            .bind(returning.workers)
            .bind(returning.suspects)
            .bind(returning.held)
            .bind(returning.crashed)
            .bind(returning.orphans)
            .bind(returning.max_crash_count)
            .bind(self.schema.channel())
            .fetch_one(connection)
            .await?;
        Ok(Reaped {
            workers: 0,
            returned: row.try_get("returned")?,
            dead_lettered: row.try_get("dead_lettered")?,
        })
    }

    async fn bury_workers(
        &self,
        connection: &mut PgConnection,
        workers: &[Uuid],
    ) -> sqlx::Result<i64> {
        self.statements.bury_workers.query_scalar().bind(workers).fetch_one(connection).await
    }
}
