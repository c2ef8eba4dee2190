//! What wakes the clock.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Tells the clock to look before its time.
#[derive(Debug, Default)]
pub(in crate::worker) struct ClockSignals {
    look: Notify,
    /// Ticks wait for jobs to end.
    ticks_wait: AtomicBool,
}

impl ClockSignals {
    /// Schedules may have changed.
    pub(in crate::worker) fn changed(&self) {
        self.look.notify_one();
    }

    /// A job of this process has ended.
    pub(in crate::worker) fn job_ended(&self) {
        if self.ticks_wait.load(Ordering::Acquire) {
            self.look.notify_one();
        }
    }

    pub(super) fn note_waiting(&self, ticks_wait: bool) {
        self.ticks_wait.store(ticks_wait, Ordering::Release);
    }

    pub(super) async fn look(&self) {
        self.look.notified().await;
    }
}
