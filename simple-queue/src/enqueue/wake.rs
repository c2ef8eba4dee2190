//! Wakes the workers after an enqueue.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{
    coalesced::{Batches, Coalesced, Pending},
    connections::Connections,
};
use crate::{
    database::{Notification, Servers, again, failure::described},
    store::Store,
    telemetry,
};

/// Wakes the worker of this process through memory, and the others through the database.
///
/// A NOTIFY takes a database-wide lock while its transaction commits, so one in every insert costs
/// concurrent writers most of their throughput. So one insert in [`Wake::PAUSE`] notifies in its
/// own statement, which also serves a program that enqueues one job and ends. For the others one
/// NOTIFY follows after their commits. If no worker is idle, nothing is sent; each insert learns
/// that with its answer. An insert that was in flight while a worker became idle is found in that
/// worker's first naps.
#[derive(Debug)]
pub(crate) struct Wake {
    /// A version that changes with every wake-up, so that any number of pollers can wait for the
    /// next.
    local: watch::Sender<()>,
    remote: Coalesced<Remote>,
    /// The connection for the NOTIFY that follows. The pool may be used up, and then the NOTIFY
    /// would be late.
    connection: Connections,
}

impl Default for Wake {
    fn default() -> Self {
        Self {
            local: watch::Sender::default(),
            remote: Coalesced::default(),
            connection: Connections::new(1),
        }
    }
}

#[derive(Debug, Default)]
struct Remote {
    /// When an insert last notified in its own statement.
    notified_at: Option<Instant>,
    /// The queues that the next NOTIFY names.
    queues: HashSet<String>,
}

impl Pending for Remote {
    type Batch = Vec<String>;

    fn take(&mut self) -> Option<Vec<String>> {
        let payload = |queue| Notification::Enqueued { queue }.payload();
        (!self.queues.is_empty()).then(|| self.queues.drain().map(payload).collect())
    }
}

impl Wake {
    /// 5 ms, the shortest pause between two notifications of one process.
    const PAUSE: Duration = Duration::from_millis(5);

    /// Wakes this process's pollers: there may be a job to fetch, or a permit to fetch it with.
    pub(crate) fn wake_local(&self) {
        self.local.send_replace(());
    }

    /// Closes the connections that no call uses.
    #[cfg(feature = "testing")]
    pub(crate) fn close_idle(&self) {
        self.connection.close_idle();
    }

    /// Returns a receiver that changes when a poller should look.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.local.subscribe()
    }

    /// Returns whether the next insert notifies in its own statement.
    pub(crate) fn notifies_itself(&self) -> bool {
        self.remote.look(|remote, _| {
            let is_first = remote.notified_at.is_none_or(|at| at.elapsed() > Self::PAUSE);
            if is_first {
                remote.notified_at = Some(Instant::now());
            }
            is_first
        })
    }

    /// Records that an insert without a notification has committed to these queues while workers
    /// were idle.
    pub(crate) fn enqueued(
        self: &Arc<Self>,
        servers: &Servers,
        store: &Store,
        queues: impl Iterator<Item = String>,
    ) {
        if let Some(batches) = self.remote.leave(|remote| remote.queues.extend(queues)) {
            tokio::spawn(Arc::clone(self).notify(batches, servers.clone(), store.clone()));
        }
    }

    /// The task that notifies.
    async fn notify(self: Arc<Self>, mut batches: Batches<Remote>, servers: Servers, store: Store) {
        loop {
            tokio::time::sleep(Self::PAUSE).await;
            let Some(payloads) = batches.next() else { return };
            let sent = again!(tries => self.connection.ask(&servers, 1, async |connection| {
                store.notify(connection, &payloads).await
            }));
            // A lost notification costs only time: workers poll now and then.
            if let Err(error) = sent {
                telemetry::enqueue::notify_failed(&described(&error));
            }
        }
    }
}
