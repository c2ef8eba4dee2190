//! Listens for the notifications of other processes.

use std::{
    io,
    ops::{Deref, DerefMut},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use sqlx::{
    Acquire, Connection,
    postgres::{PgConnectOptions, PgListener, PgNotification, PgPoolOptions},
};
use tokio::{runtime::Builder, time::timeout};

use super::Worker;
use crate::{
    database::{Notification, failure::described},
    retry_pause::RetryPause,
    telemetry,
};

/// Listens on a dedicated connection that does nothing else, so it is always being read.
///
/// A broken connection is replaced here and not by the driver. Notifications between a break and the next LISTEN are
/// lost, so the poller checks the table after every LISTEN that took effect.
pub(super) async fn run(worker: Arc<Worker>) {
    let mut retry_pause = RetryPause::default();
    let stopped = worker.stopped.clone();
    let listening = async {
        loop {
            let mut moves = worker.client.servers().moves();
            let ended = tokio::select! {
                ended = listen(&worker, &mut retry_pause) => ended,
                // The old server may still be up, but no process sends notifications on it any more.
                _ = moves.changed() => ListenError::Moved,
            };
            worker.listening.store(false, Ordering::Release);
            // The poller may be in a long sleep that relies on notifications.
            worker.client.wake().wake_local();
            match ended {
                ListenError::Moved => {}
                ListenError::Failed(error) => {
                    telemetry::worker::listen_lost(&described(&error));
                    worker.client.servers().note_error(&error);
                    retry_pause.wait().await;
                }
                ListenError::Pooled => {
                    telemetry::worker::listen_through_a_pooler(
                        worker.client.config().empty_poll_sleep,
                    );
                    return;
                }
            }
        }
    };
    stopped.run_until_cancelled(listening).await;
}

/// Why LISTEN has ended.
enum ListenError {
    Failed(sqlx::Error),
    /// The database is on another server now.
    Moved,
    /// A pooler lends sessions, so there is none to listen on.
    Pooled,
}

impl From<sqlx::Error> for ListenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}

/// Listens until the connection fails, and returns why.
async fn listen(worker: &Worker, retry_pause: &mut RetryPause) -> ListenError {
    let config = worker.client.config();
    let patience = worker.client.servers().statement_timeout();
    let heard: Result<std::convert::Infallible, ListenError> = async {
        let Some(options) = worker.client.servers().session().await? else {
            return Err(ListenError::Pooled);
        };
        let channel = worker.store.schema().channel();
        let mut listener = in_time(patience, begin(options, &channel)).await?;
        retry_pause.reset();
        worker.listening.store(true, Ordering::Release);
        worker.permits.heard_all();
        #[cfg(feature = "cron")]
        worker.clock.changed();
        worker.client.wake().wake_local();
        while let Some(notification) =
            hear(&mut listener, config.heartbeat_interval, patience).await?
        {
            on_notification(worker, notification.payload());
        }
        Err(ListenError::Failed(sqlx::Error::Io(io::ErrorKind::ConnectionReset.into())))
    }
    .await;
    let Err(ended) = heard;
    ended
}

async fn begin(options: PgConnectOptions, channel: &str) -> sqlx::Result<Listener> {
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    let mut listener = Listener(Some(PgListener::connect_with(&pool).await?));
    listener.eager_reconnect(false);
    listener.listen(channel).await?;
    Ok(listener)
}

/// A listener whose connection is closed at once when it is dropped.
///
/// The driver would send UNLISTEN first, and wait for the answer without a limit. If the other end has vanished, that
/// session would stay until the operating system gives up, a quarter of an hour later, and each break would leave one
/// more.
struct Listener(Option<PgListener>);

impl Drop for Listener {
    fn drop(&mut self) {
        match Builder::new_current_thread().build() {
            Ok(runtime) => {
                // The driver's farewell is a task of this runtime, which ends without running it.
                let entered = runtime.enter();
                drop(self.0.take());
                drop(entered);
                runtime.shutdown_background();
            }
            Err(error) => telemetry::worker::listener_not_closed(&error),
        }
    }
}

impl Deref for Listener {
    type Target = PgListener;

    fn deref(&self) -> &PgListener {
        self.0.as_ref().expect("only drop takes it")
    }
}

impl DerefMut for Listener {
    fn deref_mut(&mut self) -> &mut PgListener {
        self.0.as_mut().expect("only drop takes it")
    }
}

/// Returns the next notification; `None` where the connection has ended.
///
/// A dead peer and an idle one look the same. So after a silence the server is asked whether it is there, by a message
/// that is not a statement and costs it nothing.
async fn hear(
    listener: &mut PgListener,
    silence: Duration,
    patience: Duration,
) -> sqlx::Result<Option<PgNotification>> {
    loop {
        if let Ok(heard) = timeout(silence, listener.try_recv()).await {
            return heard;
        }
        in_time(patience, async { listener.acquire().await?.ping().await }).await?;
    }
}

async fn in_time<T>(
    patience: Duration,
    answer: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    let late = || Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into()));
    timeout(patience, answer).await.unwrap_or_else(|_| late())
}

fn on_notification(worker: &Worker, payload: &str) {
    match Notification::parse(payload) {
        Some(Notification::Enqueued { queue }) => {
            if worker.client.serves(&queue) {
                worker.client.wake().wake_local();
            }
        }
        Some(Notification::LimitChanged { name }) => {
            worker.permits.heard(&name);
            if worker.client.key_rules().iter().any(|rule| rule.name == name) {
                worker.client.wake().wake_local();
            }
        }
        Some(Notification::ScheduleChanged { .. }) => {
            #[cfg(feature = "cron")]
            worker.clock.changed();
        }
        Some(Notification::PauseChanged { queue }) => {
            if worker.client.serves(&queue) {
                worker.pauses_changed.store(true, Ordering::Release);
                worker.beat_soon.notify_one();
            }
        }
        // Any role of the database can send this notification. The row decides, and the heartbeat reads it.
        Some(Notification::CancelRequested { job_id }) if worker.running.has(job_id) => {
            worker.beat_soon.notify_one();
        }
        Some(Notification::CancelRequested { .. }) => {}
        None => telemetry::worker::notification_unknown(payload),
    }
}
