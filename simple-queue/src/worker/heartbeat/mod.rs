//! Stage 5: each process keeps one row, which vouches for all jobs that it runs.

mod blocked;
mod kinds;
mod thread;

pub(super) use thread::start;

use std::{
    io,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::sync::mpsc;
use uuid::Uuid;

use self::{blocked::BlockedRuntime, kinds::DeclaredKinds};
use super::Worker;
use crate::{
    database::{
        Dedicated,
        failure::{described, is_transient},
    },
    retry_pause::RetryPause,
    store::{Beat, PausedKinds, WorkerRow},
    telemetry,
    upkeep::{
        reaper::Sighting,
        silence::{Look, patience},
    },
};

/// The role that sends heartbeats and acts on their answers.
pub(super) struct Heartbeat {
    worker: Arc<Worker>,
    connection: Dedicated,
    /// Reports to the reaper.
    sightings: mpsc::UnboundedSender<Sighting>,
    retry_pause: RetryPause,
    last_beat: Instant,
    /// The interval that the row states; a later change of the setting does not change the row.
    interval: Duration,
    blocked: BlockedRuntime,
    /// When the runs were written last, and whether there were any.
    told_runs: (Instant, bool),
    declared_kinds: DeclaredKinds,
}

/// 1 s, upper bound of the heartbeat interval while jobs run, so that cancellations arrive soon.
const WHILE_RUNNING: Duration = Duration::from_secs(1);

/// 5 s between two times that the row is told what runs, which is also how long a run takes at least to be told.
const TELL_RUNS: Duration = Duration::from_secs(5);

/// 100, upper bound of the runs that the row is told: those that have taken longest.
const MOST_RUNS: usize = 100;

/// 100 ms, lower bound between two heartbeats, however many notifications ask for one.
const CLOSEST: Duration = Duration::from_millis(100);

/// Fraction of the death timeout after which a silent process abandons its jobs, before other processes take them.
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
            told_runs: (Instant::now(), false),
            declared_kinds: DeclaredKinds::default(),
        }
    }

    /// Writes the process's row, without which it can claim nothing. Retries until the database is there.
    pub(super) async fn register(&mut self) {
        let row = WorkerRow {
            id: self.worker.id(),
            heartbeat_interval: self.interval,
            queues: self.worker.client.queue_names(),
        };
        let mut started = Instant::now();
        let paused_kinds = loop {
            let error = match self.write_row(&row).await {
                Ok(paused_kinds) => break paused_kinds,
                Err(error) => error,
            };
            self.worker.failures.heartbeat_failed(&error);
            telemetry::heartbeat::registration_failed(&described(&error));
            self.retry_pause.wait().await;
            started = Instant::now();
        };
        self.worker.note_paused(paused_kinds);
        // Before the first fetch: an operator must not see a hidden argument of a new kind.
        self.declare_kinds().await;
        self.worker.failures.heartbeat_succeeded();
        self.retry_pause.reset();
        self.last_beat = started;
        *self.worker.beaten_at.lock() = Some(started);
    }

    async fn write_row(&mut self, row: &WorkerRow) -> sqlx::Result<PausedKinds> {
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
            let may_be_paused = self.worker.pauses_changed.swap(false, Ordering::AcqRel);
            if self.worker.running.is_empty() && !is_due && !has_no_row && !may_be_paused {
                continue;
            }
            // A beat may hang, and the moment at which jobs must be abandoned must not pass meanwhile.
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

    /// Waits until the next check whether a beat is due, or until one is asked for.
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

    /// Time until the next check whether a beat is due. It is shorter after a failure, and grows with each further
    /// failure.
    fn pause(&mut self) -> Duration {
        let usual = std::cmp::min(self.interval, WHILE_RUNNING);
        if self.last_beat.elapsed() > self.interval + usual {
            std::cmp::min(self.retry_pause.next(), usual)
        } else {
            usual
        }
    }

    async fn beat(&mut self) -> sqlx::Result<()> {
        telemetry::heartbeat::heartbeat_span(async {
            let worker = &self.worker;
            let worker_id = worker.id();
            let running = worker.running.ids();
            let queues = worker.client.queue_names();
            let has = (running.as_slice(), worker.client.config().global_permits);
            let started = Instant::now();
            let whole = self
                .connection
                .ask(async |connection| {
                    worker.store.heartbeat(connection, worker_id, &queues, has).await
                })
                .await;
            let beat = match whole {
                // Perhaps for the row of a job or of another process, or for a right on their tables.
                Err(error) if !is_transient(&error) => {
                    telemetry::heartbeat::refused(&described(&error));
                    self.worker.failures.heartbeat_refused(&error);
                    let alive = self
                        .connection
                        .ask(async |connection| {
                            worker.store.heartbeat_alone(connection, worker_id).await
                        })
                        .await?;
                    Beat { alive, ..Beat::default() }
                }
                whole => {
                    let beat = whole?;
                    self.worker.failures.heartbeat_not_refused();
                    beat
                }
            };
            let look = Look { sent: started, answered: Instant::now() };
            self.worker.failures.heartbeat_succeeded();
            self.retry_pause.reset();
            // The row's timestamp is the time of the statement, which is not earlier than this.
            self.last_beat = started;
            *self.worker.beaten_at.lock() = Some(started);
            self.worker.heartbeat_lost.store(false, Ordering::Release);
            let pauses_ended = beat.pauses_ended;
            self.apply(worker_id, look, beat).await;
            if pauses_ended && let Err(error) = self.end_pauses().await {
                telemetry::heartbeat::pauses_not_ended(&described(&error));
            }
            self.declare_kinds().await;
            // Nobody relies on it.
            if let Err(error) = self.tell_runs().await {
                telemetry::heartbeat::runs_not_told(&described(&error));
            }
            Ok(())
        })
        .await
    }

    /// Ends the pauses whose time is over. What follows is read with the next heartbeat, which the notification asks
    /// for.
    async fn end_pauses(&mut self) -> sqlx::Result<()> {
        let store = &self.worker.store;
        self.connection.ask(async |connection| store.end_pauses(connection).await).await?;
        self.worker.pauses_changed.store(true, Ordering::Release);
        self.worker.client.wake().wake_local();
        Ok(())
    }

    /// Tells the row what has been running for long, where there is something to tell.
    async fn tell_runs(&mut self) -> sqlx::Result<()> {
        let (told_at, told_some) = self.told_runs;
        if told_at.elapsed() < TELL_RUNS {
            return Ok(());
        }
        let runs = self.worker.running.long_runs(TELL_RUNS, MOST_RUNS);
        self.told_runs.0 = Instant::now();
        if told_some || !runs.is_empty() {
            let (store, worker_id) = (&self.worker.store, self.worker.id());
            self.connection
                .ask(async |connection| store.tell_runs(connection, worker_id, &runs).await)
                .await?;
            self.told_runs.1 = !runs.is_empty();
        }
        Ok(())
    }

    async fn apply(&mut self, worker_id: Uuid, look: Look, beat: Beat) {
        if let Some(paused_kinds) = beat.paused_kinds {
            self.worker.note_paused(paused_kinds);
        }
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
            self.report_sighting(
                beat.silence.map_or(Sighting::NotAsked, |silence| Sighting::Silent(look, silence)),
            );
            return;
        }
        telemetry::heartbeat::declared_dead(worker_id);
        self.worker.running.abandon_all();
        // Nothing is claimed, and nothing is marked idle, under an id that has no row yet.
        self.worker.heartbeat_lost.store(true, Ordering::Release);
        self.worker.take_new_id();
        self.worker.permits.forget();
        // Without a row nothing was claimed, so fetches took due jobs for absent ones.
        self.worker.sweeps.floors().mark_stale();
        self.register().await;
        self.worker.heartbeat_lost.store(false, Ordering::Release);
        self.worker.client.wake().wake_local();
        self.report_sighting(Sighting::DeclaredDead);
    }

    fn missed(&mut self, error: &sqlx::Error) {
        self.report_sighting(Sighting::Disconnected);
        self.worker.failures.heartbeat_failed(error);
        let silent_for = self.last_beat.elapsed();
        if silent_for < self.patience() {
            telemetry::heartbeat::failed(&described(error), silent_for);
            return;
        }
        if !self.worker.heartbeat_lost.swap(true, Ordering::AcqRel) {
            telemetry::heartbeat::lost(&described(error), silent_for, self.worker.running.len());
        }
        // On every failure, because a claim may have been in flight.
        self.worker.running.abandon_all();
    }

    fn report_sighting(&self, sighting: Sighting) {
        // The reaper ends shortly before the last beat. Without it, other processes do its work.
        if self.sightings.send(sighting).is_err() && !self.worker.stopped.is_cancelled() {
            telemetry::heartbeat::reaper_gone();
        }
    }

    /// How long the process may be silent before it abandons its jobs.
    fn patience(&self) -> Duration {
        patience(self.interval).mul_f64(ABANDON_AFTER)
    }

    /// Removes the row if no job can be left under this process's id. Otherwise a reaper removes it, in the transaction
    /// that returns those jobs.
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
            telemetry::heartbeat::row_not_removed(worker_id, &described(&error));
        }
    }
}
