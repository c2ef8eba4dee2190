//! Growing pauses between retries, shared by all roles.

use std::{cmp::min, time::Duration};

use crate::jitter;

/// Pauses that start at `first` and double up to `longest`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pauses {
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
    /// The part by which each pause is randomly shorter or longer.
    pub(crate) jitter: f64,
}

impl Pauses {
    /// 50 ms to 5 s. A role never gives up and never spins.
    pub(crate) const OF_ROLES: Self =
        Self { first: Duration::from_millis(50), longest: Duration::from_secs(5), jitter: 0.5 };

    /// The pause after this many earlier ones.
    pub(crate) fn after(&self, earlier: u32) -> Duration {
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(earlier));
        jitter::around(min(doubled, self.longest), self.jitter)
    }
}

/// The pauses between the tries of one operation.
#[derive(Debug)]
pub(crate) struct RetryPause {
    pauses: Pauses,
    failures: u32,
}

impl Default for RetryPause {
    fn default() -> Self {
        Self::new(Pauses::OF_ROLES)
    }
}

impl RetryPause {
    pub(crate) const fn new(pauses: Pauses) -> Self {
        Self { pauses, failures: 0 }
    }

    /// Pauses, longer than the last time.
    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }

    /// The last try succeeded, so the next pause is the first again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.pauses.after(self.failures);
        self.failures = self.failures.saturating_add(1);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_stay_bounded_and_begin_anew_after_a_success() {
        let mut pause = RetryPause::default();
        let first = pause.next();
        assert!(first <= Duration::from_millis(75), "{first:?}");
        for _ in 0..100 {
            assert!(pause.next() <= Duration::from_millis(7500));
        }
        pause.reset();
        assert!(pause.next() <= Duration::from_millis(75));
    }

    #[test]
    fn without_jitter_each_wait_is_twice_the_last_up_to_the_longest() {
        let second = Duration::from_secs(1);
        let pauses = Pauses { first: second, longest: 5 * second, jitter: 0.0 };
        let mut pause = RetryPause::new(pauses);
        let waits: Vec<u64> = (0..5).map(|_| pause.next().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 5, 5]);
        assert_eq!(pauses.after(u32::MAX), 5 * second);
    }
}
