//! Telling workers that there is something to fetch.

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
};

/// Wakes the worker of this process through memory, and the others through the database.
///
/// A NOTIFY takes a lock of the whole database while its transaction commits, so one in every insert
/// costs concurrent writers most of their throughput. So one insert in [`Wake::PAUSE`] notifies in its own
/// statement, which also serves a program that enqueues one job and ends; for the others one NOTIFY
/// follows, after their commits. Where no worker sleeps there is nothing to tell, and each insert hears that
/// with its answer: one that was in flight while a worker fell asleep is found in that worker's first naps.
#[derive(Debug)]
pub(crate) struct Wake {
    /// Changes with every call, so that any number of pollers can wait for the next.
    local: watch::Sender<()>,
    remote: Coalesced<Remote>,
    /// For the NOTIFY that follows; the pool may be used up, and then it would be late.
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
    /// What the next NOTIFY tells.
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
    /// Between two notifications of one process.
    const PAUSE: Duration = Duration::from_millis(5);

    /// Wakes this process's pollers: something to fetch, or a permit to fetch it with, may be there.
    pub(crate) fn wake_local(&self) {
        self.local.send_replace(());
    }

    /// For a poller: changes when it should look.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.local.subscribe()
    }

    /// Whether the insert that is about to be made shall notify in its own statement.
    pub(crate) fn notifies_itself(&self) -> bool {
        self.remote.look(|remote, _| {
            let is_first = remote.notified_at.is_none_or(|at| at.elapsed() > Self::PAUSE);
            if is_first {
                remote.notified_at = Some(Instant::now());
            }
            is_first
        })
    }

    /// Something was committed to these queues by an insert that did not notify, and workers slept.
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
            // A lost notification costs time only: workers look by themselves now and then.
            if let Err(error) = sent {
                tracing::warn!(error = %described(&error), "other workers could not be notified; they will look by themselves");
            }
        }
    }
}
