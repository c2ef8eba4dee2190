//! Signals between a run and the roles that watch it.

use std::{
    sync::atomic::{AtomicU8, Ordering},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use serde::{Serialize, Serializer};
use tokio::sync::Notify;
use uuid::Uuid;

/// The signals of one run. Every claimed job has one, so it is a few words in one allocation.
#[derive(Debug, Default)]
pub(crate) struct RunSignal {
    signals: AtomicU8,
    changed: Notify,
    /// When the handler was called, or could begin if it had to wait for a connection.
    began: Mutex<Option<Instant>>,
    /// What the handler says of itself; most say nothing.
    said: Mutex<Option<Box<Said>>>,
}

/// What a handler says of its run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Said {
    /// From 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) progress: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

/// A run that takes long, as its process tells it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct LongRun {
    #[serde(rename = "id")]
    pub(crate) job_id: Uuid,
    /// How long its handler has been working.
    #[serde(serialize_with = "as_seconds")]
    pub(crate) ran: Duration,
    #[serde(flatten)]
    pub(crate) said: Said,
}

fn as_seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// 200 characters, upper bound of a note.
const LONGEST_NOTE: usize = 200;

const CANCELLED: u8 = 1;
const ABANDONED: u8 = 2;
const FINISHED_IN_TRANSACTION: u8 = 4;
const WAITS_TO_BEGIN: u8 = 8;
const STARTED: u8 = 16;

impl RunSignal {
    /// Requests the cancellation of the job.
    pub(crate) fn cancel(&self) {
        self.set(CANCELLED);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.is_set(CANCELLED)
    }

    /// Waits until the cancellation of the job is requested. Cancel safe.
    pub(crate) async fn cancelled(&self) {
        self.until_set(CANCELLED).await;
    }

    /// The process must give up the job: it is stopping, or can no longer keep it alive by its heartbeat.
    pub(crate) fn abandon(&self) {
        self.set(ABANDONED);
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.is_set(ABANDONED)
    }

    /// Waits until the process must give up the job. Cancel safe.
    pub(crate) async fn abandoned(&self) {
        self.until_set(ABANDONED).await;
    }

    /// The handler finishes the job in a transaction of its own, which may or may not commit.
    pub(crate) fn finish_in_transaction(&self) {
        self.set(FINISHED_IN_TRANSACTION);
    }

    pub(crate) fn is_finished_in_transaction(&self) -> bool {
        self.is_set(FINISHED_IN_TRANSACTION)
    }

    /// The handler is called.
    pub(crate) fn start(&self) {
        *self.began.lock() = Some(Instant::now());
        self.set(STARTED);
    }

    /// Whether the handler was called.
    pub(crate) fn is_started(&self) -> bool {
        self.began.lock().is_some()
    }

    /// Says how much of the work is done, from 0 to 1.
    pub(crate) fn progress(&self, progress: f64) {
        let progress = if progress.is_nan() { 0.0 } else { progress.clamp(0.0, 1.0) };
        self.said.lock().get_or_insert_default().progress = Some(progress);
    }

    /// Says what the run does now. A long note is cut.
    pub(crate) fn note(&self, note: &str) {
        let note = note.replace('\0', "\u{fffd}").chars().take(LONGEST_NOTE).collect();
        self.said.lock().get_or_insert_default().note = Some(note);
    }

    /// What the handler has said of itself.
    pub(crate) fn said(&self) -> Option<Said> {
        self.said.lock().as_deref().cloned()
    }

    /// The run waits for a connection before it begins.
    pub(crate) fn wait_to_begin(&self) {
        *self.began.lock() = None;
        self.set(WAITS_TO_BEGIN);
    }

    /// The run has its connection.
    pub(crate) fn begin(&self) {
        self.began.lock().get_or_insert_with(Instant::now);
    }

    /// How long the handler has been working; `None` before it begins.
    pub(crate) fn ran(&self) -> Option<Duration> {
        self.began.lock().map(|began| began.elapsed())
    }

    /// How long a run that waited has been working: zero while it still waits, `None` if it did not wait.
    pub(crate) fn worked(&self) -> Option<Duration> {
        self.is_set(WAITS_TO_BEGIN).then(|| self.ran().unwrap_or_default())
    }

    fn set(&self, signal: u8) {
        self.signals.fetch_or(signal, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    fn is_set(&self, signal: u8) -> bool {
        self.signals.load(Ordering::Acquire) & signal != 0
    }

    async fn until_set(&self, signal: u8) {
        loop {
            // Registered before the check, so that a signal in between is not missed.
            let changed = self.changed.notified();
            if self.is_set(signal) {
                return;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;

    #[tokio::test]
    async fn a_waiting_task_is_woken_by_its_signal_and_no_other() {
        let run = Arc::new(RunSignal::default());
        let waiting = tokio::spawn({
            let run = Arc::clone(&run);
            async move { run.abandoned().await }
        });
        tokio::task::yield_now().await;
        run.cancel();
        assert!(run.is_cancelled() && !run.is_abandoned());
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        run.abandon();
        tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
        run.cancelled().await;
    }
}
