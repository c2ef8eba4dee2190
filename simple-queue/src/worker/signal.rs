//! Waits for the signal that asks a process to stop.

use std::io;

use crate::telemetry;

/// Completes when the process is asked to stop: by SIGTERM, which service managers and containers send, or by ctrl-c.
///
/// ```no_run
/// # async fn example(queue: simple_queue::SimpleQueue) -> Result<(), simple_queue::Error> {
/// queue.run_until(simple_queue::shutdown_signal()).await
/// # }
/// ```
///
/// From the first call on these signals no longer end the process by themselves. Where a signal handler cannot be
/// installed, that is logged, and the signal is not waited for.
///
/// # Cancel safety
/// Cancel safe.
pub async fn shutdown_signal() {
    tokio::select! {
        () = heard("ctrl-c", tokio::signal::ctrl_c()) => {}
        () = heard("SIGTERM", terminated()) => {}
    }
}

/// Waits for one signal. If its handler cannot be installed, logs that and never completes.
async fn heard(name: &str, signal: impl Future<Output = io::Result<()>>) {
    if let Err(error) = signal.await {
        telemetry::worker::signal_handler_failed(name, &error);
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn terminated() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

#[cfg(not(unix))]
async fn terminated() -> io::Result<()> {
    std::future::pending().await
}
