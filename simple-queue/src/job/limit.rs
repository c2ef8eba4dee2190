//! Limits that hold for all processes together.

use std::fmt;

use super::Rate;

/// A limit on how many jobs run at once in all processes together, or how many start in a time, for
/// jobs of any kinds and queues that name it.
///
/// ```
/// use simple_queue::{Limit, prelude::*};
///
/// /// The payment provider allows 50 connections.
/// static PAYMENTS: Limit = Limit::named("payments").concurrency(50);
///
/// #[job(limits = [PAYMENTS])]
/// async fn charge(order_id: i64) {}
///
/// #[job(limits = [PAYMENTS])]
/// async fn refund(order_id: i64) {}
/// ```
///
/// An operator can change it at run time, on all machines at once: see
/// [`SimpleQueue::limits`](crate::SimpleQueue::limits). Two declarations of one name must have the
/// same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub(crate) name: &'static str,
    pub(crate) concurrency: Option<u32>,
    pub(crate) rate: Option<Rate>,
}

impl Limit {
    /// Names a limit; [`NamedLimit::concurrency`] or [`NamedLimit::rate`] completes it.
    ///
    /// # Panics
    /// When the name is empty, longer than 128 bytes, or contains a `:` or a control character. In a
    /// `static` that is a compile error.
    pub const fn named(name: &'static str) -> NamedLimit {
        let bytes = name.as_bytes();
        assert!(
            !bytes.is_empty() && bytes.len() <= LONGEST_NAME,
            "the name of a limit has 1 to 128 bytes"
        );
        let mut at = 0;
        while at < bytes.len() {
            assert!(
                bytes[at] != b':' && !bytes[at].is_ascii_control(),
                "the name of a limit contains no `:` and no control character"
            );
            at += 1;
        }
        NamedLimit { name }
    }

    /// Sets how many of the jobs that name the limit run at once too.
    ///
    /// # Panics
    /// When it is 0, or above 1,000,000. In a `static` that is a compile error.
    #[must_use]
    pub const fn concurrency(self, concurrency: u32) -> Self {
        assert!(
            concurrency > 0,
            "a limit of 0 would stop its jobs: pause it with `SimpleQueue::limits`"
        );
        assert!(concurrency <= MOST_OF_A_LIMIT, "a limit is at most 1,000,000");
        Self { concurrency: Some(concurrency), ..self }
    }

    /// Sets how many of the jobs that name the limit start in a time too.
    #[must_use]
    pub const fn rate(self, rate: Rate) -> Self {
        Self { rate: Some(rate), ..self }
    }

    /// Whether both allow the same.
    pub(crate) const fn allows_as(&self, other: &Self) -> bool {
        let same_concurrency = match (self.concurrency, other.concurrency) {
            (Some(a), Some(b)) => a == b,
            (a, b) => a.is_none() && b.is_none(),
        };
        let same_rate = match (self.rate, other.rate) {
            (Some(a), Some(b)) => a.equals(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        same_concurrency && same_rate
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.concurrency, self.rate) {
            (Some(most), None) => write!(f, "{most} at once"),
            (None, Some(rate)) => rate.fmt(f),
            (Some(most), Some(rate)) => write!(f, "{most} at once, {rate}"),
            (None, None) => Ok(()),
        }
    }
}

/// A limit that allows anything yet; [`Limit::named`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it limits nothing before its `concurrency` or its `rate` is set"]
pub struct NamedLimit {
    name: &'static str,
}

impl NamedLimit {
    /// Sets how many of the jobs that name the limit run at once, in all processes together.
    ///
    /// # Panics
    /// When it is 0, or above 1,000,000. In a `static` that is a compile error.
    #[must_use]
    pub const fn concurrency(self, concurrency: u32) -> Limit {
        self.unlimited().concurrency(concurrency)
    }

    /// Sets how many of the jobs that name the limit start in a time, in all processes together.
    #[must_use]
    pub const fn rate(self, rate: Rate) -> Limit {
        self.unlimited().rate(rate)
    }

    const fn unlimited(self) -> Limit {
        Limit { name: self.name, concurrency: None, rate: None }
    }
}

/// 128 bytes, upper bound of a limit's name.
const LONGEST_NAME: usize = 128;

/// 1,000,000, upper bound of a limit.
pub(crate) const MOST_OF_A_LIMIT: u32 = 1_000_000;
