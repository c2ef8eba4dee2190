//! How many jobs may start in a time, in all processes together.

mod window;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

pub use window::Window;
use window::{Calendar, Zone};

/// A limit on how many jobs start in a time, in all processes together.
///
/// By default it is strict: **no** period of the length `per`, wherever it begins, has more than `limit` starts. Of
/// them up to [`burst`](Rate::burst) may follow each other at once, after a pause; the others are spread evenly.
///
/// ```
/// use std::time::Duration;
/// use simple_queue::{Limit, Rate, prelude::*};
///
/// /// The provider answers 429 above 100 calls a second.
/// static PAYMENTS: Limit = Limit::named("payments").rate(Rate::per_second(100));
///
/// #[job(limits = [PAYMENTS], rate(limit = 20, per = "1m", burst = 5))]
/// async fn charge(order_id: i64) {}
/// # assert_eq!(Rate::new(20, Duration::from_secs(60)).burst(5).to_string(), "20 per 60s, with a burst of 5");
/// ```
///
/// The evenness has a price: the burst and the time that a start may take come out of the rate. On the whole about
/// `limit − burst + 1` jobs start in 1.02 × `per`, so 89 % of the limit with the default burst, and 95 % with a burst
/// of 4. Where processes need longer to start a job, because the database is far away or busy, that time replaces the 2 %.
/// [`token_bucket`](Rate::token_bucket) gives the strictness up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it limits nothing before a job, a queue or a `Limit` has it"]
pub struct Rate {
    limit: u32,
    per: Duration,
    burst: u32,
    is_strict: bool,
    /// It begins anew with each window of the calendar.
    calendar: Option<Calendar>,
}

impl Rate {
    /// Allows `limit` starts in the time `per`, from 100 ms to 366 days. A tenth of them, at least one, may follow each
    /// other at once.
    ///
    /// # Panics
    /// When the limit is 0 or above 1,000,000,000, or the time out of its range. In a constant that is a compile
    /// error.
    pub const fn new(limit: u32, per: Duration) -> Self {
        assert!(
            limit > 0,
            "a rate of 0 would start no job: pause the limit with `SimpleQueue::limits`"
        );
        assert!(limit <= MOST_OF_A_RATE, "a rate is at most 1,000,000,000");
        assert!(
            per.as_millis() >= SHORTEST.as_millis() && per.as_secs() <= LONGEST.as_secs(),
            "the time of a rate is from 100 ms to 366 days"
        );
        Self { limit, per, burst: default_burst(limit), is_strict: true, calendar: None }
    }

    /// Allows this many starts a second.
    ///
    /// # Panics
    /// As [`Rate::new`].
    pub const fn per_second(limit: u32) -> Self {
        Self::new(limit, Duration::from_secs(1))
    }

    /// Allows this many starts a minute.
    ///
    /// # Panics
    /// As [`Rate::new`].
    pub const fn per_minute(limit: u32) -> Self {
        Self::new(limit, Duration::from_mins(1))
    }

    /// Allows this many starts an hour.
    ///
    /// # Panics
    /// As [`Rate::new`].
    pub const fn per_hour(limit: u32) -> Self {
        Self::new(limit, Duration::from_hours(1))
    }

    /// Allows `limit` starts in each window of the calendar, by the clock of this time zone: for
    /// quotas that begin anew at midnight. All of them may start at once, and two windows next to each
    /// other are independent, so a period across their border may have twice as many. In one window
    /// there are never more, by the clock of the database.
    ///
    /// The zone is one that the database knows, like `Europe/Berlin`.
    ///
    /// ```
    /// use simple_queue::{Limit, Rate, Window};
    ///
    /// /// The provider gives 10,000 calls a day.
    /// static QUOTA: Limit = Limit::named("quota").rate(Rate::in_each(Window::Day, 10_000, "Europe/Berlin"));
    /// # assert_eq!(QUOTA.to_string(), "10000 in each day of Europe/Berlin");
    /// ```
    ///
    /// # Panics
    /// When the limit is 0, above 10,000,000 or above 1,000 a second, or the name of the zone is empty
    /// or longer than 40 bytes. In a constant that is a compile error.
    pub const fn in_each(window: Window, limit: u32, zone: &str) -> Self {
        assert!(
            limit > 0,
            "a rate of 0 would start no job: pause the limit with `SimpleQueue::limits`"
        );
        assert!(
            limit <= MOST_OF_A_WINDOW && limit as u64 <= window.seconds() * 1000,
            "the rate of a window is at most 10,000,000, and 1,000 a second"
        );
        let Some(zone) = Zone::of(zone) else {
            panic!("the name of a time zone has 1 to 40 bytes, like `Europe/Berlin`")
        };
        let (per, calendar) =
            (Duration::from_secs(window.seconds()), Some(Calendar { window, zone }));
        Self { limit, per, burst: limit, is_strict: false, calendar }
    }

    /// Sets how many jobs may start at once after a pause; a tenth of the limit by default. It is less than the limit,
    /// unless that is 1: the jobs of a burst count in each period around them.
    ///
    /// # Panics
    /// When it is 0, or not less than a limit above 1. In a constant that is a compile error.
    pub const fn burst(self, burst: u32) -> Self {
        assert!(burst > 0, "a burst of 0 would start no job");
        assert!(
            burst < self.limit || self.limit == 1,
            "the burst of a strict rate is less than its limit: lower it, or use `token_bucket`"
        );
        Self { burst, is_strict: true, calendar: None, ..self }
    }

    /// Makes it a token bucket, which is not strict: in the long run `limit` jobs start in the time `per`, and after a
    /// pause `burst` at once, so a period may have up to `limit + burst − 1` starts.
    ///
    /// # Panics
    /// When the burst is 0, or above 1,000,000,000. In a constant that is a compile error.
    pub const fn token_bucket(self, burst: u32) -> Self {
        assert!(burst > 0, "a burst of 0 would start no job");
        assert!(burst <= MOST_OF_A_RATE, "a burst is at most 1,000,000,000");
        Self { burst, is_strict: false, calendar: None, ..self }
    }

    /// How many jobs may start at once.
    pub(crate) const fn most_at_once(self) -> u32 {
        self.burst
    }

    pub(crate) const fn equals(self, other: Self) -> bool {
        self.limit == other.limit
            && self.per.as_nanos() == other.per.as_nanos()
            && self.burst == other.burst
            && self.is_strict == other.is_strict
            && match (self.calendar, other.calendar) {
                (Some(a), Some(b)) => a.equals(b),
                (a, b) => a.is_none() && b.is_none(),
            }
    }

    /// How long after its token was taken a job may start: 2 % of the time of the rate, as far as a process can start
    /// a job in that time at all.
    ///
    /// The statements keep one time for a rate, `tat`: the time at which its bucket is full again. A token is there
    /// while `greatest(tat, now()) <= now() + (burst − 1)·T`, and moves `tat` to `greatest(tat, now()) + T`. This is
    /// the generic cell rate algorithm of ITU-T I.371, as a virtual schedule.
    ///
    /// **No window of the length `per` has more than `limit` starts.** Let P′ = `per` + δ, where a job starts at most δ
    /// after the `now()` of its token, and T = P′ / (limit − burst + 1). The tokens whose `now()` is in a half-open
    /// window of the length P′ are counted in the order in which they were taken under the lock of the row, whatever
    /// their `now()` is: it may run backwards from one to the next. The first one leaves `tat` at `begin + T` or later,
    /// and each further one adds T. So when the n-th is taken, `tat` is at least `begin + (n − 1)·T`, and its condition
    /// says that this is less than `begin + P′ + (burst − 1)·T`. This gives n − 1 < limit. The starts of a window of
    /// the length `per` have their tokens in one of the length P′.
    ///
    /// **δ may change**, from δ₁ to δ₂ at a time t. The bucket keeps its tokens, which then come at the new pace, and for
    /// the time |δ₂ − δ₁| none comes. A window of starts that begins u before t uses at most a full bucket and what
    /// comes in the time of its tokens. If δ grows, that is (u + δ₁)/T₁ + (per − u − δ₂ + δ₁)/T₂ ≤ (per + δ₁)/T₁, or
    /// (per + δ₂)/T₂ once no token of δ₁ can start in it. If δ shrinks, (u + δ₁)/T₁ + (per − u − δ₁ + δ₂)/T₂ is largest
    /// for u = −δ₁, where it is (per + δ₂)/T₂. Each of them is limit − burst + 1, as it is without a change.
    pub(crate) fn start_within(self) -> Duration {
        (self.per / 50).clamp(LEAST_TO_START, MOST_TO_START)
    }

    /// About the time in which one token comes, for a change from one rate to another.
    fn pace(self) -> f64 {
        self.per.as_secs_f64() / f64::from(self.limit)
    }
}

const fn default_burst(limit: u32) -> u32 {
    if limit < 20 { 1 } else { limit / 10 }
}

/// 1,000,000,000, upper bound of the limit and the burst of a rate.
pub(crate) const MOST_OF_A_RATE: u32 = 1_000_000_000;

/// 10,000,000, upper bound of the limit of a window.
const MOST_OF_A_WINDOW: u32 = 10_000_000;

/// 100 ms, lower bound of the time of a rate: the time in which a job starts after its token would take most of a
/// shorter one.
const SHORTEST: Duration = Duration::from_millis(100);

/// 366 days, upper bound of the time of a rate.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// 20 ms, in which a process can fetch and start a job.
const LEAST_TO_START: Duration = Duration::from_millis(20);

/// 10 s, more than a fetch takes.
const MOST_TO_START: Duration = Duration::from_secs(10);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, per, burst, is_strict, calendar } = self;
        if let Some(calendar) = calendar {
            return write!(f, "{limit} in each {calendar}");
        }
        let of_burst = if *is_strict { "a burst" } else { "a bucket" };
        write!(f, "{limit} per {per:?}, with {of_burst} of {burst}")
    }
}

/// A rate in its column of `limits`, with what the statements need to count tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredRate {
    limit: u32,
    /// In seconds, as all times here.
    per: f64,
    burst: u32,
    strict: bool,
    /// How long after its token was taken a job may start, at least.
    start_within: f64,
    /// About the time in which one token comes.
    pace: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<Window>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tz: Option<Zone>,
    /// The jobs say how many tokens they take.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    costs: bool,
}

impl StoredRate {
    /// The rate of jobs that say how many tokens they take.
    pub(crate) fn with_costs(self, costs: bool) -> Self {
        Self { costs, ..self }
    }
}

impl From<Rate> for StoredRate {
    fn from(rate: Rate) -> Self {
        let Rate { limit, per, burst, is_strict, calendar } = rate;
        Self {
            limit,
            per: per.as_secs_f64(),
            burst,
            strict: is_strict,
            start_within: rate.start_within().as_secs_f64(),
            pace: rate.pace(),
            window: calendar.map(|calendar| calendar.window),
            tz: calendar.map(|calendar| calendar.zone),
            costs: false,
        }
    }
}

impl From<StoredRate> for Rate {
    fn from(StoredRate { limit, per, burst, strict, window, tz, .. }: StoredRate) -> Self {
        let per = Duration::try_from_secs_f64(per).unwrap_or(LONGEST);
        let calendar = window.zip(tz).map(|(window, zone)| Calendar { window, zone });
        Self { limit, per, burst, is_strict: strict, calendar }
    }
}

#[cfg(test)]
mod tests;
