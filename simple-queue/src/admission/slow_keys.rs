//! How long the jobs of this process take from the token of their key to their start.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::tokens::{MOST_TO_START, WHILE_SLOW};

/// The limits for each key, by their numbers in the registry, whose jobs started late here, with the time that they need
/// and when that was found.
#[derive(Debug, Default)]
pub(super) struct SlowKeys(Mutex<HashMap<usize, (Duration, Instant)>>);

impl SlowKeys {
    /// A job could not start in the time of its token: the next ones need more.
    pub(super) fn was_late(&self, rule: usize, within: Duration, now: Instant) {
        let needs = std::cmp::min(within * 2, MOST_TO_START);
        let mut slow = self.0.lock();
        let (known, since) = slow.entry(rule).or_insert((needs, now));
        (*known, *since) = (std::cmp::max(*known, needs), now);
    }

    /// Returns the time that they need; zero if none was late for a while.
    pub(super) fn needs(&self, rule: usize, now: Instant) -> Duration {
        let mut slow = self.0.lock();
        slow.retain(|_, (_, since)| now < *since + WHILE_SLOW);
        slow.get(&rule).map(|(needs, _)| *needs).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_job_gives_the_next_ones_twice_the_time_for_a_minute() {
        let (slow, rule, now) = (SlowKeys::default(), 1, Instant::now());
        let late = Duration::from_millis(20);
        assert_eq!(slow.needs(rule, now), Duration::ZERO);
        slow.was_late(rule, late, now);
        slow.was_late(rule, late, now);
        assert_eq!(slow.needs(rule, now), 2 * late);
        assert_eq!(slow.needs(2, now), Duration::ZERO);
        slow.was_late(rule, 2 * late, now);
        assert_eq!(slow.needs(rule, now), 4 * late);
        slow.was_late(rule, Duration::from_mins(1), now);
        assert_eq!(slow.needs(rule, now), MOST_TO_START);
        assert_eq!(slow.needs(rule, now + WHILE_SLOW), Duration::ZERO);
    }
}
