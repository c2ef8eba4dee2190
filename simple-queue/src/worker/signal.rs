//! When a process is asked to stop.

use std::io;

/// Ready when the process is asked to stop: by SIGTERM, as service managers and containers do it, or by
/// ctrl-c.
///
/// ```no_run
/// # async fn example(queue: simple_queue::SimpleQueue) -> Result<(), simple_queue::Error> {
/// queue.run_until(simple_queue::shutdown_signal()).await
/// # }
/// ```
///
/// From the first call on these signals no longer end the process by themselves.
///
/// # Cancel safety
/// Cancel safe.
pub async fn shutdown_signal() {
    tokio::select! {
        () = heard("ctrl-c", tokio::signal::ctrl_c()) => {}
        () = heard("SIGTERM", terminated()) => {}
    }
}

/// A signal that cannot be listened for is said, and never comes.
async fn heard(name: &str, signal: impl Future<Output = io::Result<()>>) {
    if let Err(error) = signal.await {
        tracing::error!(%error, name, "a signal cannot be listened for");
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
