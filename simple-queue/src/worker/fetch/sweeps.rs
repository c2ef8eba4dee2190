//! State that the poller and the sweeper of a process share.

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
use crate::{SimpleQueue, store::Demand, telemetry};

/// The floors, and requests for sweeps.
pub(in crate::worker) struct Sweeps {
    floors: Mutex<Floors>,
    /// A fetch was made, so there is something to sweep.
    pub(super) asked: AtomicBool,
    /// Number of sweeps that were requested to run at once.
    pub(super) urgent: AtomicU64,
    pub(super) changed: Notify,
    /// Number of those that were answered.
    pub(super) answered: watch::Sender<u64>,
}

/// 500 ms, upper bound of the time that a fetch waits for a sweep that has to come first.
pub(super) const LONGEST_WAIT: Duration = Duration::from_millis(500);

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

    /// Sets each lane's floor in the demands. A lane that was not read for a while is swept first. Returns whether one
    /// was.
    pub(in crate::worker) async fn set_floors(
        &self,
        demands: &mut [Demand],
        client: &SimpleQueue,
    ) -> bool {
        let is_stale = self.floors().apply(demands);
        #[cfg(not(feature = "testing"))]
        let _ = client;
        #[cfg(feature = "testing")]
        if client.is_observed() {
            // The lanes of a test are short, and nothing in them may wait for a sweep.
            let shares = demands.iter_mut().flat_map(|demand| &mut demand.shares);
            shares.for_each(|share| share.floors.clear());
            return false;
        }
        if is_stale {
            self.run_now().await;
            let mut floors = self.floors();
            floors.skip_stale();
            floors.apply(demands);
        }
        is_stale
    }

    /// Requests a sweep, to run when the sweeper's share of the time allows it.
    pub(in crate::worker) fn ask(&self) {
        if !self.asked.swap(true, Ordering::AcqRel) {
            self.changed.notify_one();
        }
    }

    /// Requests a sweep at once; returns when each lane was tried once, or when that takes too long.
    pub(in crate::worker) async fn run_now(&self) {
        let mine = self.urgent.fetch_add(1, Ordering::AcqRel) + 1;
        self.changed.notify_one();
        let mut answered = self.answered.subscribe();
        let waited = timeout(LONGEST_WAIT, answered.wait_for(|answered| *answered >= mine)).await;
        if waited.is_err() {
            telemetry::fetch::sweep_late();
        }
    }
}
