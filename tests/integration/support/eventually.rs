//! Waiting for something to become true.

use std::time::{Duration, Instant};

/// Asks again and again until the answer is yes, and fails after 30 seconds: long enough for a
/// machine that does ten other things, and never waited for in a test that passes.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    const DEADLINE: Duration = Duration::from_secs(30);
    const PAUSE: Duration = Duration::from_millis(5);
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < DEADLINE, "still not so after {DEADLINE:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
