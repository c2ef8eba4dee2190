//! Hears what other processes have to tell.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
};

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use super::Worker;
use crate::{retries::Retries, store::Notification};

/// Listens on a connection of its own that does nothing else, so it always reads.
///
/// A connection that breaks is replaced here rather than by the driver: between a break and the next
/// LISTEN notifications are lost, so the poller looks by itself after every LISTEN that took effect.
pub(super) async fn run(worker: Arc<Worker>, options: PgConnectOptions) {
    let mut retries = Retries::default();
    let stopped = worker.stopped.clone();
    let listening = async {
        loop {
            let error = listen(&worker, options.clone(), &mut retries).await;
            worker.listening.store(false, Ordering::Release);
            // The poller may be in a sleep that counts on being notified.
            worker.queue.wake().wake_local();
            tracing::warn!(%error, "notifications are not heard for the moment; looking for jobs by polling");
            retries.wait().await;
        }
    };
    stopped.run_until_cancelled(listening).await;
}

/// Listens until it no longer can.
async fn listen(worker: &Worker, options: PgConnectOptions, retries: &mut Retries) -> sqlx::Error {
    let heard = async {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        listener.listen(&worker.store.schema().channel()).await?;
        retries.reset();
        worker.listening.store(true, Ordering::Release);
        worker.queue.wake().wake_local();
        while let Some(notification) = listener.try_recv().await? {
            heed(worker, notification.payload());
        }
        Ok(())
    };
    match heard.await {
        Ok(()) => sqlx::Error::Io(io::ErrorKind::ConnectionReset.into()),
        Err(error) => error,
    }
}

fn heed(worker: &Worker, payload: &str) {
    match Notification::parse(payload) {
        Some(Notification::Enqueued { queue }) => {
            if worker.queue.serves(&queue) {
                worker.queue.wake().wake_local();
            }
        }
        Some(Notification::CancelRequested { job_id }) => worker.running.cancel(job_id),
        None => tracing::debug!(payload, "a notification of a newer release was passed over"),
    }
}
