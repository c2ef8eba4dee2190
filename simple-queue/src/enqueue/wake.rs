//! Telling workers that there is something to fetch.

use std::{
    collections::HashSet,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::connections::Connections;
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
    remote: Mutex<Remote>,
    /// For the NOTIFY that follows; the pool may be used up, and then it would be late.
    connection: Connections,
}

impl Default for Wake {
    fn default() -> Self {
        Self {
            local: watch::Sender::default(),
            remote: Mutex::default(),
            connection: Connections::new(1),
        }
    }
}

#[derive(Debug, Default)]
struct Remote {
    /// When an insert last notified in its own statement.
    notified_at: Option<Instant>,
    queues: HashSet<String>,
    /// A task is sending, and will look at `queues` again before it ends.
    sending: bool,
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
        let mut remote = self.remote();
        let is_first = remote.notified_at.is_none_or(|at| at.elapsed() > Self::PAUSE);
        if is_first {
            remote.notified_at = Some(Instant::now());
        }
        is_first
    }

    /// Something was committed to these queues by an insert that did not notify, and workers slept.
    pub(crate) fn enqueued(
        self: &Arc<Self>,
        servers: &Servers,
        store: &Store,
        queues: impl Iterator<Item = String>,
    ) {
        let mut remote = self.remote();
        remote.queues.extend(queues);
        if !mem::replace(&mut remote.sending, true) {
            let sending = Sending { wake: Arc::clone(self), ended: false };
            tokio::spawn(sending.until_quiet(servers.clone(), store.clone()));
        }
    }

    /// What is to be sent now; with nothing, the sending is over.
    fn take(&self) -> Vec<String> {
        let mut remote = self.remote();
        remote.sending = !remote.queues.is_empty();
        remote.queues.drain().map(|queue| Notification::Enqueued { queue }.payload()).collect()
    }

    fn remote(&self) -> MutexGuard<'_, Remote> {
        self.remote.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that sends. Its mark is reset should it be dropped with its runtime, even before it began.
struct Sending {
    wake: Arc<Wake>,
    /// The mark was reset together with the look at what is left.
    ended: bool,
}

impl Sending {
    async fn until_quiet(mut self, servers: Servers, store: Store) {
        loop {
            tokio::time::sleep(Wake::PAUSE).await;
            let payloads = self.wake.take();
            if payloads.is_empty() {
                self.ended = true;
                return;
            }
            let connection = &self.wake.connection;
            let sent = again!(tries => connection.ask(&servers, 1, async |connection| {
                store.notify(connection, &payloads).await
            }));
            // A lost notification costs time only: workers look by themselves now and then.
            if let Err(error) = sent {
                tracing::warn!(error = %described(&error), "other workers could not be notified; they will look by themselves");
            }
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if !self.ended {
            self.wake.remote().sending = false;
        }
    }
}
