//! Lets time pass for what waits.

use std::time::Duration;

use crate::SimpleQueue;

/// Lets this time pass, after `from` has passed by earlier calls.
pub(super) async fn advance(queue: &SimpleQueue, from: Duration, by: Duration) {
    queue
        .ask_in_transaction(5, async |connection| queue.store().bring_nearer(connection, by).await)
        .await
        .unwrap_or_else(|error: sqlx::Error| panic!("time cannot pass: {error}"));
    // After that, so that the jobs of the ticks are as new as their ticks.
    #[cfg(feature = "cron")]
    super::schedules::pass_ticks(queue, from, by).await;
    #[cfg(not(feature = "cron"))]
    let _ = from;
    queue.wake().wake_local();
}
