//! Signals between a run and the roles that watch it.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// The signals of one run. Every claimed job has one, so it is a few words in one allocation.
#[derive(Debug, Default)]
pub(crate) struct RunSignal {
    signals: AtomicU8,
    changed: Notify,
    /// When a run that had to wait for a connection could begin.
    began: OnceLock<Instant>,
}

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
        self.set(STARTED);
    }

    /// Whether the handler was called.
    pub(crate) fn is_started(&self) -> bool {
        let waits = self.is_set(WAITS_TO_BEGIN) && self.began.get().is_none();
        self.is_set(STARTED) && !waits
    }

    /// The run waits for a connection before it begins.
    pub(crate) fn wait_to_begin(&self) {
        self.set(WAITS_TO_BEGIN);
    }

    /// The run has its connection.
    pub(crate) fn begin(&self) {
        self.began.get_or_init(Instant::now);
    }

    /// How long a run that waited has been working: zero while it still waits, `None` if it did not wait.
    pub(crate) fn worked(&self) -> Option<Duration> {
        self.is_set(WAITS_TO_BEGIN)
            .then(|| self.began.get().map_or(Duration::ZERO, Instant::elapsed))
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
