use std::time::{Duration, Instant};

/// 1 minute, which no wait of a test exceeds: long enough for a machine that does ten other things, and never waited
/// for in a test that passes.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// Asks again and again until the answer is yes.
///
/// # Panics
///
/// After [`DEADLINE`].
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    const PAUSE: Duration = Duration::from_millis(10);
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < DEADLINE, "still not so after {DEADLINE:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
