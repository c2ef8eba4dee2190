//! Statements about worker processes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row, types::Json};
use uuid::Uuid;

use super::{
    PausedKinds, Store,
    decode::{Columns, Time, columns, interval, seconds},
    limits::count,
    pauses::read_paused_kinds,
};
use crate::row::{LongRun, RunningJob, WorkerState};

/// What a process records about itself when it starts.
#[derive(Debug, Clone)]
pub(crate) struct WorkerRow {
    pub(crate) id: Uuid,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) queues: Vec<String>,
}

columns! {
    RunningColumns { id, queue, kind, attempt, started_at, progress, note, is_cancelled, worker_id, host, pid }
}

columns! {
    WorkerColumns {
        id, host, pid, queues, release, started_at, heartbeat_at, now, heartbeat_interval, permits, claimed, full_since
    }
}

/// The answer of a heartbeat.
#[derive(Debug, Default)]
pub(crate) struct Beat {
    /// Whether the process is still in the table; otherwise it was declared dead.
    pub(crate) alive: bool,
    /// Its jobs whose cancellation was requested.
    pub(crate) cancelled: Vec<Uuid>,
    /// Jobs that have long been in its name, as seen by another process.
    pub(crate) long_running: Vec<Uuid>,
    /// Jobs that have killed processes are due, in some queue.
    pub(crate) suspects_wait: bool,
    /// The kinds of its queues that are paused; `None` if that was not asked.
    pub(crate) paused_kinds: Option<PausedKinds>,
    /// The time of some pause is over.
    pub(crate) pauses_ended: bool,
    /// Other processes without a heartbeat for two of their intervals; `None` if that was not asked.
    pub(crate) silence: Option<Silence>,
}

/// The processes without a recent heartbeat at a moment of the server's clock.
#[derive(Debug)]
pub(crate) struct Silence {
    pub(crate) clock: DateTime<Utc>,
    pub(crate) processes: Vec<Silent>,
}

/// A process without a recent heartbeat.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Silent {
    pub(crate) id: Uuid,
    pub(crate) heartbeat_at: DateTime<Utc>,
    pub(crate) heartbeat_interval: Duration,
}

impl Store {
    /// Writes a process's row; returns the kinds of its queues that are paused.
    pub(crate) async fn register_worker(
        &self,
        connection: &mut PgConnection,
        worker: &WorkerRow,
    ) -> sqlx::Result<PausedKinds> {
        let row = self
            .statements
            .register_worker
            .query()
            .bind("id", worker.id)
            .bind("heartbeat_interval", interval(worker.heartbeat_interval))
            .bind("pid", i32::try_from(std::process::id()).unwrap_or_default())
            .bind("host", host())
            .bind("queues", &worker.queues)
            .bind("release", env!("CARGO_PKG_VERSION"))
            .fetch_one(connection)
            .await?;
        read_paused_kinds(&row)
    }

    pub(crate) async fn heartbeat(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        queues: &[String],
        (running, permits): (&[Uuid], usize),
    ) -> sqlx::Result<Beat> {
        let row = self
            .statements
            .heartbeat
            .query()
            .bind("worker_id", worker_id)
            .bind("queues", queues)
            .bind("running", running)
            .bind("permits", i32::try_from(permits).unwrap_or(i32::MAX))
            .fetch_one(connection)
            .await?;
        let ids: Vec<Uuid> = row.try_get("silent_ids")?;
        let since: Vec<DateTime<Utc>> = row.try_get("silent_since")?;
        let intervals: Vec<f64> = row.try_get("silent_intervals")?;
        let processes = ids
            .into_iter()
            .zip(since)
            .zip(intervals)
            .map(|((id, heartbeat_at), interval)| Silent {
                id,
                heartbeat_at,
                heartbeat_interval: seconds(interval),
            })
            .collect();
        Ok(Beat {
            alive: row.try_get("alive")?,
            cancelled: row.try_get("cancelled")?,
            suspects_wait: row.try_get("suspects_wait")?,
            paused_kinds: Some(read_paused_kinds(&row)?),
            pauses_ended: row.try_get("pauses_ended")?,
            long_running: row.try_get::<Option<_>, _>("long_running")?.unwrap_or_default(),
            silence: Some(Silence { clock: row.try_get("clock")?, processes }),
        })
    }

    /// Writes the long runs of this process into its row.
    pub(crate) async fn tell_runs(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        runs: &[LongRun],
    ) -> sqlx::Result<()> {
        let tell = self.statements.tell_runs.query().bind("worker_id", worker_id);
        tell.bind("runs", Json(runs)).execute(connection).await?;
        Ok(())
    }

    /// The jobs that have been running for long, the longest first.
    pub(crate) async fn list_running(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<RunningJob>> {
        let rows = self.statements.list_running.query().fetch_all(connection).await?;
        RunningColumns::read(&rows, |row, columns| {
            Ok(RunningJob {
                job_id: row.try_get(columns.id)?,
                queue: row.try_get(columns.queue)?,
                kind: row.try_get(columns.kind)?,
                attempt: row.try_get(columns.attempt)?,
                started_at: row.try_get::<Time, _>(columns.started_at)?.0,
                progress: row.try_get(columns.progress)?,
                note: row.try_get(columns.note)?,
                is_cancelled: row.try_get(columns.is_cancelled)?,
                worker_id: row.try_get(columns.worker_id)?,
                host: row.try_get(columns.host)?,
                pid: row.try_get(columns.pid)?,
            })
        })
    }

    /// The processes with workers, the oldest first.
    pub(crate) async fn list_workers(
        &self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<WorkerState>> {
        let rows = self.statements.list_workers.query().fetch_all(connection).await?;
        WorkerColumns::read(&rows, |row, columns| {
            let Time(heartbeat_at) = row.try_get(columns.heartbeat_at)?;
            let Time(now) = row.try_get(columns.now)?;
            let silent_for = (now - heartbeat_at).to_std().unwrap_or_default();
            let interval = seconds(row.try_get(columns.heartbeat_interval)?);
            Ok(WorkerState {
                id: row.try_get(columns.id)?,
                host: row.try_get(columns.host)?,
                pid: row.try_get(columns.pid)?,
                queues: row.try_get(columns.queues)?,
                release: row.try_get(columns.release)?,
                started_at: row.try_get::<Time, _>(columns.started_at)?.0,
                heartbeat_at,
                permits: row.try_get::<Option<i32>, _>(columns.permits)?.map(count),
                claimed: row.try_get::<Option<i32>, _>(columns.claimed)?.map_or(0, count),
                full_since: row.try_get::<Option<Time>, _>(columns.full_since)?.map(|Time(at)| at),
                is_silent: WorkerState::is_silent(silent_for, interval),
            })
        })
    }

    /// Records that this process is alive, and reads nothing. Returns whether it is still in the table.
    pub(crate) async fn heartbeat_alone(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
    ) -> sqlx::Result<bool> {
        let beat = self.statements.heartbeat_alone.query().bind("worker_id", worker_id);
        Ok(beat.fetch_optional(connection).await?.is_some())
    }

    /// Records that this process sleeps until it is notified. Returns whether that was recorded; it is not if the
    /// process has no row any more.
    pub(crate) async fn mark_idle(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
    ) -> sqlx::Result<bool> {
        let mark = self.statements.mark_idle.query().bind("worker_id", worker_id);
        mark.fetch_scalar(connection).await
    }

    /// Records that this process polls again.
    pub(crate) async fn unmark_idle(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
    ) -> sqlx::Result<()> {
        self.statements
            .unmark_idle
            .query()
            .bind("worker_id", worker_id)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Marks the job that is blamed if this process dies, or clears the mark.
    pub(crate) async fn mark_suspect(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
        suspect_id: Option<Uuid>,
    ) -> sqlx::Result<()> {
        self.statements
            .mark_suspect
            .query()
            .bind("worker_id", worker_id)
            .bind("suspect_id", suspect_id)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Deletes the row of a process that has returned all its jobs.
    pub(crate) async fn retire_worker(
        &self,
        connection: &mut PgConnection,
        worker_id: Uuid,
    ) -> sqlx::Result<()> {
        self.statements
            .retire_worker
            .query()
            .bind("worker_id", worker_id)
            .bind("channel", self.schema.channel())
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Sends notifications to all listening processes.
    pub(crate) async fn notify(
        &self,
        connection: &mut PgConnection,
        payloads: &[String],
    ) -> sqlx::Result<()> {
        self.statements
            .notify
            .query()
            .bind("channel", self.schema.channel())
            .bind("payloads", payloads)
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// The machine's name, for operators.
fn host() -> String {
    std::env::var("HOSTNAME")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}
