//! Kinds that are paused by themselves, as this process has heard of them.

use std::{sync::Arc, time::Duration};

use parking_lot::RwLock;

use super::Worker;
use crate::{queue::served::Served, store::PausedKinds};

/// The paused kinds of the queues that this process serves.
#[derive(Debug, Default)]
pub(super) struct Pauses(RwLock<Arc<PausedKinds>>);

impl Pauses {
    /// Whether no job of this kind of the queue may start.
    pub(super) fn has(&self, queue: &str, kind: &str) -> bool {
        let paused = self.0.read();
        paused.iter().any(|(of, paused)| of == queue && paused == kind)
    }
}

impl Worker {
    /// The queues that this process serves, without the paused kinds.
    pub(super) fn served(&self) -> Vec<Served> {
        let mut served = self.client.served();
        let paused = Arc::clone(&self.pauses.0.read());
        for (queue, kind) in paused.iter() {
            for served in served.iter_mut().filter(|served| served.queue == *queue) {
                served.leave_out(kind);
            }
        }
        served.retain(|served| !served.shares.is_empty());
        served
    }

    /// Learns which kinds are paused.
    pub(super) fn note_paused(&self, paused: PausedKinds) {
        let now = Arc::new(paused);
        let before = std::mem::replace(&mut *self.pauses.0.write(), Arc::clone(&now));
        if before == now {
            return;
        }
        if !now.is_subset(&before) {
            // Prefetched jobs of these kinds would still start.
            self.give_back_overdue(Duration::ZERO);
        }
        // Fetches went past the jobs of paused kinds, so these may lie below a floor.
        self.sweeps.floors().mark_stale();
        self.client.wake().wake_local();
    }
}
