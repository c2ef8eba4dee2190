//! Telling workers that there is something to fetch.

use std::{
    collections::HashSet,
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::PgPool;
use tokio::sync::watch;

use crate::store::{Notification, Store};

/// Wakes the worker of this process through memory, and the others through the database.
///
/// A NOTIFY takes a lock of the whole database while its transaction commits, so one in every insert
/// costs concurrent writers most of their throughput. Here it is sent apart, after the commit: the
/// first at once, and from then on at most one in [`Wake::PAUSE`] for all that was enqueued meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    /// Changes with every call, so that any number of pollers can wait for the next.
    local: watch::Sender<()>,
    remote: Mutex<Remote>,
}

#[derive(Debug, Default)]
struct Remote {
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

    /// Something was committed to these queues.
    pub(crate) fn enqueued(
        self: &Arc<Self>,
        pool: &PgPool,
        store: &Store,
        queues: impl Iterator<Item = String>,
    ) {
        self.wake_local();
        let mut remote = self.remote.lock().unwrap_or_else(PoisonError::into_inner);
        remote.queues.extend(queues);
        if !mem::replace(&mut remote.sending, true) {
            tokio::spawn(Arc::clone(self).send_until_quiet(pool.clone(), store.clone()));
        }
    }

    async fn send_until_quiet(self: Arc<Self>, pool: PgPool, store: Store) {
        loop {
            let payloads = self.take();
            if payloads.is_empty() {
                return;
            }
            let sent = async {
                let mut connection = pool.acquire().await?;
                store.notify(&mut connection, &payloads).await
            };
            // A lost notification costs time only: workers look by themselves now and then.
            if let Err(error) = sent.await {
                tracing::warn!(%error, "other workers could not be notified; they will look by themselves");
            }
            tokio::time::sleep(Self::PAUSE).await;
        }
    }

    /// What is to be sent now; with nothing, the sending is over.
    fn take(&self) -> Vec<String> {
        let mut remote = self.remote.lock().unwrap_or_else(PoisonError::into_inner);
        remote.sending = !remote.queues.is_empty();
        remote.queues.drain().map(|queue| Notification::Enqueued { queue }.payload()).collect()
    }
}
