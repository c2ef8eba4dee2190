//! What the poller and the sweeper of a process share.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::floor::Floors;

/// The floors, and requests for sweeps.
pub(in crate::worker) struct Sweeps {
    floors: Mutex<Floors>,
    /// A fetch was made, so that there is something to sweep.
    pub(super) asked: AtomicBool,
    /// How often a sweep was asked for that is to come at once.
    pub(super) urgent: AtomicU64,
    pub(super) changed: Notify,
    /// How many of those were answered.
    pub(super) answered: watch::Sender<u64>,
}

/// 500 ms: a fetch waits no longer for a sweep that is to come first.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

impl Sweeps {
    pub(in crate::worker) fn new() -> Self {
        Self {
            floors: Mutex::new(Floors::new()),
            asked: AtomicBool::new(false),
            urgent: AtomicU64::new(0),
            changed: Notify::new(),
            answered: watch::Sender::new(0),
        }
    }

    pub(in crate::worker) fn floors(&self) -> MutexGuard<'_, Floors> {
        self.floors.lock()
    }

    /// Asks for a sweep when its share of the server's time allows one.
    pub(in crate::worker) fn ask(&self) {
        if !self.asked.swap(true, Ordering::AcqRel) {
            self.changed.notify_one();
        }
    }

    /// Sweeps at once; returns when the first statement has been answered, or does not come in time.
    pub(in crate::worker) async fn run_now(&self) {
        let mine = self.urgent.fetch_add(1, Ordering::AcqRel) + 1;
        self.changed.notify_one();
        let mut answered = self.answered.subscribe();
        let waited = timeout(LONGEST_WAIT, answered.wait_for(|answered| *answered >= mine)).await;
        if waited.is_err() {
            tracing::debug!("a sweep did not come in time");
        }
    }
}
