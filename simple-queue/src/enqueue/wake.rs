//! Telling workers that there is something to fetch.

use std::{
    collections::HashSet,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::store::{Notification, Servers, Store};

/// Wakes the worker of this process through memory, and the others through the database.
///
/// A NOTIFY takes a lock of the whole database while its transaction commits, so one in every insert
/// costs concurrent writers most of their throughput. So one insert in [`Wake::PAUSE`] notifies in its own
/// statement, which also serves a program that enqueues one job and ends; for the others one NOTIFY
/// follows, after their commits.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    /// Changes with every call, so that any number of pollers can wait for the next.
    local: watch::Sender<()>,
    remote: Mutex<Remote>,
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

    /// Something was committed to these queues by an insert that did not notify.
    pub(crate) fn enqueued(
        self: &Arc<Self>,
        servers: &Servers,
        store: &Store,
        queues: impl Iterator<Item = String>,
    ) {
        let mut remote = self.remote();
        remote.queues.extend(queues);
        if !mem::replace(&mut remote.sending, true) {
            tokio::spawn(Arc::clone(self).send_until_quiet(servers.clone(), store.clone()));
        }
    }

    async fn send_until_quiet(self: Arc<Self>, servers: Servers, store: Store) {
        let sending = Sending(&self);
        loop {
            tokio::time::sleep(Self::PAUSE).await;
            let payloads = self.take();
            if payloads.is_empty() {
                return sending.ended();
            }
            let sent = servers.ask(1, async |connection| store.notify(connection, &payloads).await);
            // A lost notification costs time only: workers look by themselves now and then.
            if let Err(error) = sent.await {
                tracing::warn!(%error, "other workers could not be notified; they will look by themselves");
            }
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

/// Resets the mark of the task that sends, should the task be dropped with its runtime.
struct Sending<'w>(&'w Wake);

impl Sending<'_> {
    /// The mark was reset together with the look at what is left.
    fn ended(self) {
        mem::forget(self);
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.0.remote().sending = false;
    }
}
