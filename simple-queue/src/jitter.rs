//! Random variation of pauses, so that a hundred processes do not come back at the same moment.

use std::time::Duration;

/// A pause that differs from `wait` by at most this part of it: with 0.5, between half of it and one and a half times.
pub(crate) fn around(wait: Duration, part: f64) -> Duration {
    wait.mul_f64(1.0 - part + 2.0 * part * fastrand::f64())
}

/// A pause that is shorter than `wait` by at most this part of it: with 0.1, between nine tenths and all of it.
pub(crate) fn up_to(wait: Duration, part: f64) -> Duration {
    wait.mul_f64(1.0 - part * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_stays_within_its_bounds_and_differs_each_time() {
        let wait = Duration::from_secs(10);
        let drawn: Vec<Duration> = (0..100).map(|_| around(wait, 0.2)).collect();
        assert!(drawn.iter().all(|drawn| (8.0..=12.0).contains(&drawn.as_secs_f64())), "{drawn:?}");
        assert!(drawn.iter().any(|drawn| *drawn > wait) && drawn.iter().any(|drawn| *drawn < wait));
        let drawn: Vec<Duration> = (0..100).map(|_| up_to(wait, 0.5)).collect();
        assert!(drawn.iter().all(|drawn| (5.0..=10.0).contains(&drawn.as_secs_f64())), "{drawn:?}");
        assert_eq!((around(wait, 0.0), up_to(wait, 0.0)), (wait, wait));
    }
}
