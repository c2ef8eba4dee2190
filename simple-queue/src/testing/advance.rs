//! Lets time pass for what waits.

use std::time::Duration;

use parking_lot::Mutex;

use crate::SimpleQueue;

/// How much time has passed in a test, beside real time.
#[derive(Debug, Default)]
pub(super) struct Passed(Mutex<Duration>);

impl Passed {
    /// Lets this time pass for all that waits in the queue.
    pub(super) async fn advance(&self, queue: &SimpleQueue, by: Duration) {
        #[cfg_attr(not(feature = "cron"), expect(unused, reason = "only schedules ask for it"))]
        let from = self.add(by);
        let nearer = queue.ask_in_transaction(5, async |connection| {
            queue.store().bring_nearer(connection, by).await
        });
        nearer.await.unwrap_or_else(|error: sqlx::Error| panic!("time cannot pass: {error}"));
        // After that, so that the jobs of the ticks are as new as their ticks.
        #[cfg(feature = "cron")]
        super::schedules::pass_ticks(queue, from, by).await;
        queue.wake().wake_local();
    }

    /// Returns how much had passed before.
    fn add(&self, by: Duration) -> Duration {
        let mut passed = self.0.lock();
        let before = *passed;
        *passed += by;
        before
    }
}
