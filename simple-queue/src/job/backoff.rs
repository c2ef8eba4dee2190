//! Back-off: how long a job waits between two attempts.

use std::time::Duration;

use chrono::TimeDelta;

/// Computes the wait before the next attempt from the attempts used so far.
///
/// The wait never exceeds [`Backoff::MAX_DELAY`], and no attempt number overflows.
///
/// ```
/// use std::time::Duration;
/// use simple_queue::Backoff;
///
/// let backoff = Backoff::exponential(Duration::from_secs(2), 2.0, Duration::from_secs(60)).jitter(0.0);
/// assert_eq!(backoff.delay(1), Duration::from_secs(2));
/// assert_eq!(backoff.delay(2), Duration::from_secs(4));
/// assert_eq!(backoff.delay(99), Duration::from_secs(60));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    curve: Curve,
    jitter: f64,
}

#[derive(Debug, Clone, Copy)]
enum Curve {
    Fixed { delay: Duration },
    Linear { step: Duration },
    Exponential { base: Duration, factor: f64, max: Duration },
    Custom { delay_after: fn(i32) -> Duration },
    CustomDelta { delay_after: fn(i32) -> TimeDelta },
}

/// Two custom curves are never equal: the address of a function does not identify it.
impl PartialEq for Curve {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fixed { delay: one }, Self::Fixed { delay: other })
            | (Self::Linear { step: one }, Self::Linear { step: other }) => one == other,
            (
                Self::Exponential { base, factor, max },
                Self::Exponential { base: other_base, factor: other_factor, max: other_max },
            ) => {
                base == other_base && factor.to_bits() == other_factor.to_bits() && max == other_max
            }
            _ => false,
        }
    }
}

impl Backoff {
    /// 7 days, the longest wait of any curve.
    pub const MAX_DELAY: Duration = Duration::from_hours(7 * 24);

    /// 2 s, 4 s, 8 s … up to an hour, each up to 20 % longer at random.
    pub const EXPONENTIAL: Self =
        Self::exponential(Duration::from_secs(2), 2.0, Duration::from_hours(1));

    /// 5 s, 10 s, 15 s …, each up to 20 % longer at random.
    pub const LINEAR: Self = Self::linear(Duration::from_secs(5));

    /// 5 s each time, up to 20 % longer at random.
    pub const FIXED: Self = Self::fixed(Duration::from_secs(5));

    /// No wait: the next attempt is due at once.
    pub const NONE: Self = Self::fixed(Duration::ZERO);

    /// Creates a back-off with the same wait each time.
    #[must_use]
    pub const fn fixed(delay: Duration) -> Self {
        Self { curve: Curve::Fixed { delay }, jitter: DEFAULT_JITTER }
    }

    /// Creates a back-off that grows by `step` with each attempt.
    #[must_use]
    pub const fn linear(step: Duration) -> Self {
        Self { curve: Curve::Linear { step }, jitter: DEFAULT_JITTER }
    }

    /// Creates a back-off of `base`, multiplied by `factor` with each further attempt, at most
    /// `max`.
    #[must_use]
    pub const fn exponential(base: Duration, factor: f64, max: Duration) -> Self {
        Self { curve: Curve::Exponential { base, factor, max }, jitter: DEFAULT_JITTER }
    }

    /// Creates a back-off that `delay_after` computes from the number of the failed attempt, from
    /// 1.
    #[must_use]
    pub const fn custom(delay_after: fn(i32) -> Duration) -> Self {
        Self { curve: Curve::Custom { delay_after }, jitter: 0.0 }
    }

    /// Sets the jitter: each wait is longer by a random part of up to `fraction`, from 0 to 1; 0.2
    /// by default.
    ///
    /// Jitter spreads jobs that failed together, for example when a service they call was down.
    #[must_use]
    pub const fn jitter(self, fraction: f64) -> Self {
        Self { jitter: fraction, ..self }
    }

    /// Returns the wait after the given attempt has failed; attempts count from 1.
    #[must_use]
    pub fn delay(&self, attempt: i32) -> Duration {
        let seconds = match self.curve {
            Curve::Fixed { delay } => delay.as_secs_f64(),
            Curve::Linear { step } => step.as_secs_f64() * f64::from(std::cmp::max(attempt, 1)),
            Curve::Exponential { base, factor, max } => {
                let steps = std::cmp::max(attempt, 1).saturating_sub(1);
                f64::min(base.as_secs_f64() * factor.powi(steps), max.as_secs_f64())
            }
            Curve::Custom { delay_after } => delay_after(attempt).as_secs_f64(),
            Curve::CustomDelta { delay_after } => {
                delay_after(attempt).to_std().unwrap_or(Duration::ZERO).as_secs_f64()
            }
        };
        let lengthened = seconds * (1.0 + self.jitter.clamp(0.0, 1.0) * fastrand::f64());
        // A float grows to infinity and never wraps, so one bound here holds for every curve;
        // `f64::min` ignores NaN.
        let longest = Self::MAX_DELAY.as_secs_f64();
        Duration::from_secs_f64(f64::max(f64::min(lengthened, longest), 0.0))
    }
}

/// Back-off of the plain interface.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum BackoffStrategy {
    /// `delay` more with each attempt.
    Linear {
        /// The first wait, and the step.
        delay: TimeDelta,
    },
    /// One second, multiplied by `factor` with each further attempt.
    Exponential {
        /// The factor, more than 1.
        factor: f64,
        /// The longest wait.
        max_delay: TimeDelta,
    },
    /// The result of the function for the number of the failed attempt, from 1.
    Custom(fn(i32) -> TimeDelta),
}

impl From<BackoffStrategy> for Backoff {
    fn from(strategy: BackoffStrategy) -> Self {
        let positive = |delta: TimeDelta| delta.to_std().unwrap_or(Duration::ZERO);
        match strategy {
            BackoffStrategy::Linear { delay } => Self::linear(positive(delay)),
            BackoffStrategy::Exponential { factor, max_delay } => {
                Self::exponential(Duration::from_secs(1), factor, positive(max_delay))
            }
            BackoffStrategy::Custom(delay_after) => {
                Self { curve: Curve::CustomDelta { delay_after }, jitter: 0.0 }
            }
        }
    }
}

const DEFAULT_JITTER: f64 = 0.2;

/// Five seconds more with each attempt, as in [`Backoff::LINEAR`].
impl Default for Backoff {
    fn default() -> Self {
        Self::LINEAR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn every_curve_grows_as_its_name_says() {
        let cases = [
            ("fixed", Backoff::fixed(5 * SECOND), [5, 5, 5, 5]),
            ("linear", Backoff::linear(5 * SECOND), [5, 10, 15, 20]),
            ("exponential", Backoff::exponential(SECOND, 3.0, 20 * SECOND), [1, 3, 9, 20]),
            ("custom", Backoff::custom(|attempt| SECOND * attempt.unsigned_abs()), [1, 2, 3, 4]),
            ("none", Backoff::NONE, [0, 0, 0, 0]),
        ];
        for (name, backoff, expected) in cases {
            for (attempt, seconds) in (1..).zip(expected) {
                let delay = backoff.jitter(0.0).delay(attempt);
                assert_eq!(delay, SECOND * seconds, "{name}, attempt {attempt}");
            }
        }
    }

    #[test]
    fn no_attempt_number_overflows_and_no_wait_exceeds_the_bound() {
        for backoff in [
            Backoff::exponential(SECOND, 1e9, Duration::MAX),
            Backoff::linear(Duration::MAX),
            Backoff::custom(|_| Duration::MAX),
            Backoff::fixed(SECOND).jitter(f64::NAN),
            Backoff::exponential(SECOND, f64::NAN, SECOND),
        ] {
            for attempt in [i32::MIN, -1, 0, 1, 310, 1024, i32::MAX] {
                assert!(backoff.delay(attempt) <= Backoff::MAX_DELAY, "{backoff:?}, {attempt}");
            }
        }
    }

    #[test]
    fn jitter_lengthens_a_wait_by_at_most_its_fraction() {
        let backoff = Backoff::fixed(10 * SECOND).jitter(0.5);
        for _ in 0..1000 {
            let delay = backoff.delay(1);
            assert!(delay >= 10 * SECOND && delay <= 15 * SECOND, "{delay:?}");
        }
    }
}
