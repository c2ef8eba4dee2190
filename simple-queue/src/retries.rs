//! What the roles have in common when something goes wrong: they wait, and go on.

use std::time::Duration;

/// Growing waits between the tries of a role whose database is away.
///
/// A role never gives up and never spins: 50 ms, then twice as long each time up to 5 s, each between
/// half and one and a half of that, so that a hundred processes do not come back in one moment.
#[derive(Debug, Default)]
pub(crate) struct Retries {
    failures: u32,
}

impl Retries {
    const FIRST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(5);

    /// Waits, longer than the last time.
    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }

    /// The last try succeeded.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    pub(crate) fn next(&mut self) -> Duration {
        let wait = Self::FIRST * 2_u32.pow(std::cmp::min(self.failures, 7));
        self.failures = self.failures.saturating_add(1);
        std::cmp::min(wait, Self::LONGEST).mul_f64(0.5 + fastrand::f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_stay_bounded_and_begin_anew_after_a_success() {
        let mut retries = Retries::default();
        let first = retries.next();
        assert!(first <= Duration::from_millis(75), "{first:?}");
        for _ in 0..100 {
            assert!(retries.next() <= Duration::from_millis(7500));
        }
        retries.reset();
        assert!(retries.next() <= Duration::from_millis(75));
    }
}
