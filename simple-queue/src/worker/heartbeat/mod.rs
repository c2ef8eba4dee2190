//! Stage 5: one row a process vouches for all that it runs.

mod blocked;
mod thread;

pub(super) use thread::start;

use std::{
    io,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::sync::mpsc;
use uuid::Uuid;

use self::blocked::BlockedRuntime;
use super::Worker;
use crate::{
    database::{Dedicated, failure::is_about_a_row},
    retry_pause::RetryPause,
    store::{Beat, WorkerRow},
    upkeep::reaper::{Sighting, patience},
};

/// Beats, and does what a beat's answer asks for.
pub(super) struct Heartbeat {
    worker: Arc<Worker>,
    connection: Dedicated,
    /// The reaper goes by what the heartbeat sees.
    sightings: mpsc::UnboundedSender<Sighting>,
    retry_pause: RetryPause,
    last_beat: Instant,
    /// What the row promises; a setting that changes later does not change the row.
    interval: Duration,
    blocked: BlockedRuntime,
}

/// While jobs run the process beats at least this often, to hear of cancellations.
const WHILE_RUNNING: Duration = Duration::from_secs(1);

/// 100 ms between two heartbeats at least, however many notifications ask for one.
const CLOSEST: Duration = Duration::from_millis(100);

/// A process that could not beat for this part of the time after which others bury it lets go of all
/// it runs: it must be the first to know.
const ABANDON_AFTER: f64 = 0.8;

impl Heartbeat {
    pub(super) fn new(
        worker: Arc<Worker>,
        connection: Dedicated,
        sightings: mpsc::UnboundedSender<Sighting>,
    ) -> Self {
        let interval = worker.client.config().heartbeat_interval;
        Self {
            worker,
            connection,
            sightings,
            retry_pause: RetryPause::default(),
            last_beat: Instant::now(),
            interval,
            blocked: BlockedRuntime::here(),
        }
    }

    /// Writes the process's row, without which it can claim nothing; tries until the database is there.
    pub(super) async fn register(&mut self) {
        let row = WorkerRow {
            id: self.worker.id(),
            heartbeat_interval: self.interval,
            queues: self.worker.client.queue_names(),
        };
        while let Err(error) = self.write_row(&row).await {
            self.worker.failures.heartbeat_failed(&error);
            tracing::warn!(error = %crate::database::failure::described(&error), "this worker could not be registered yet; trying again");
            self.retry_pause.wait().await;
        }
        self.worker.failures.heartbeat_succeeded();
        self.retry_pause.reset();
        self.last_beat = Instant::now();
    }

    async fn write_row(&mut self, row: &WorkerRow) -> sqlx::Result<()> {
        let store = &self.worker.store;
        self.connection.ask(async |connection| store.register_worker(connection, row).await).await
    }

    /// Beats until the worker has stopped.
    pub(super) async fn run(mut self) {
        let stopped = self.worker.stopped.clone();
        while stopped.run_until_cancelled(self.rest()).await.is_some() {
            self.blocked.check(self.worker.running.len());
            let has_no_row = self.worker.has_no_row.swap(false, Ordering::AcqRel);
            let is_due = self.last_beat.elapsed() >= self.interval;
            if self.worker.running.is_empty() && !is_due && !has_no_row {
                continue;
            }
            // A beat may hang; the time to let go of everything must not pass meanwhile.
            let limit = if self.worker.heartbeat_lost.load(Ordering::Acquire) {
                self.patience()
            } else {
                self.patience().saturating_sub(self.last_beat.elapsed())
            };
            let beat = tokio::time::timeout(limit, self.beat()).await;
            let late = || Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into()));
            if let Err(error) = beat.unwrap_or_else(|_| late()) {
                self.missed(&error);
            }
        }
        self.retire().await;
    }

    /// Until the next look at whether a beat is due, or until one is asked for.
    async fn rest(&mut self) {
        let pause = self.pause();
        let worker = Arc::clone(&self.worker);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = worker.beat_soon.notified() => {
                tokio::time::sleep(CLOSEST.saturating_sub(self.last_beat.elapsed())).await;
            }
        }
    }

    /// Until the next look at whether a beat is due; after a failure less, but longer each time.
    fn pause(&mut self) -> Duration {
        let usual = std::cmp::min(self.interval, WHILE_RUNNING);
        if self.last_beat.elapsed() > self.interval + usual {
            std::cmp::min(self.retry_pause.next(), usual)
        } else {
            usual
        }
    }

    #[tracing::instrument(name = "heartbeat", level = "debug", skip_all)]
    async fn beat(&mut self) -> sqlx::Result<()> {
        let worker = &self.worker;
        let worker_id = worker.id();
        let running = worker.running.ids();
        let queues = worker.client.queue_names();
        let started = Instant::now();
        let whole = self
            .connection
            .ask(async |connection| {
                worker.store.heartbeat(connection, worker_id, &queues, &running).await
            })
            .await;
        let beat = match whole {
            Err(error) if is_about_a_row(&error) => {
                tracing::error!(%error, "a heartbeat was refused, perhaps for a row of another process; this one says only that it lives");
                let alive = self
                    .connection
                    .ask(async |connection| {
                        worker.store.heartbeat_alone(connection, worker_id).await
                    })
                    .await?;
                Beat { alive, ..Beat::default() }
            }
            whole => whole?,
        };
        self.worker.failures.heartbeat_succeeded();
        self.retry_pause.reset();
        // The row says when the statement ran, which is no earlier than this.
        self.last_beat = started;
        *self.worker.beaten_at.lock() = started;
        self.worker.heartbeat_lost.store(false, Ordering::Release);
        self.apply(worker_id, started, beat).await;
        Ok(())
    }

    async fn apply(&mut self, worker_id: Uuid, at: Instant, beat: Beat) {
        for job_id in beat.cancelled {
            self.worker.running.cancel(job_id);
        }
        if beat.suspects_wait && !self.worker.suspects_wait.swap(true, Ordering::AcqRel) {
            self.worker.client.wake().wake_local();
        }
        if beat.long_running.iter().any(|&job_id| !self.worker.running.has(job_id)) {
            self.worker.has_unknown.store(true, Ordering::Release);
            self.worker.client.wake().wake_local();
        }
        if beat.alive {
            self.tell_reaper(Sighting::Silent(at, beat.silent));
            return;
        }
        tracing::error!(%worker_id, "this process was declared dead by another; it lets go of its jobs and goes on under a new id");
        self.worker.running.abandon_all();
        // Nothing is claimed, and no mark made, under an id that has no row yet.
        self.worker.heartbeat_lost.store(true, Ordering::Release);
        self.worker.take_new_id();
        // Without a row nothing was claimed, and what was due then was taken for what is not there.
        self.worker.sweeps.floors().mark_stale();
        self.register().await;
        self.worker.heartbeat_lost.store(false, Ordering::Release);
        self.worker.client.wake().wake_local();
        self.tell_reaper(Sighting::DeclaredDead);
    }

    fn missed(&mut self, error: &sqlx::Error) {
        self.tell_reaper(Sighting::Disconnected);
        self.worker.failures.heartbeat_failed(error);
        let silent_for = self.last_beat.elapsed();
        if silent_for < self.patience() {
            tracing::warn!(error = %crate::database::failure::described(error), ?silent_for, "a heartbeat failed; trying again");
            return;
        }
        if !self.worker.heartbeat_lost.swap(true, Ordering::AcqRel) {
            tracing::error!(error = %crate::database::failure::described(error), ?silent_for, jobs = self.worker.running.len(), "no heartbeat reached the database for so long that this process will be taken for dead; it lets go of its jobs and claims no more");
        }
        // Each time: a claim may have been under way.
        self.worker.running.abandon_all();
    }

    fn tell_reaper(&self, sighting: Sighting) {
        // With the worker it ends a moment before the last beat; without it, others do its work.
        if self.sightings.send(sighting).is_err() && !self.worker.stopped.is_cancelled() {
            tracing::error!("the reaper of this process is gone");
        }
    }

    /// How long the process may be silent before it lets go of what it runs.
    fn patience(&self) -> Duration {
        patience(self.interval).mul_f64(ABANDON_AFTER)
    }

    /// Removes the row if nothing can be left in this process's name; else the reaper does, in the
    /// transaction that returns what is.
    async fn retire(mut self) {
        if !self.worker.holds_nothing() {
            return;
        }
        let worker_id = self.worker.id();
        let store = &self.worker.store;
        let retired = self
            .connection
            .ask(async |connection| store.retire_worker(connection, worker_id).await);
        if let Err(error) = retired.await {
            tracing::warn!(error = %crate::database::failure::described(&error), %worker_id, "the row of this worker could not be removed; others will bury it");
        }
    }
}
