//! Ranges of numbers and times.

use std::{
    ops::{Bound, RangeBounds},
    time::Duration,
};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

/// From and to. Numbers include both ends; times leave out the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds<T> {
    pub(crate) from: Option<T>,
    pub(crate) to: Option<T>,
}

impl<T> Default for Bounds<T> {
    fn default() -> Self {
        Self { from: None, to: None }
    }
}

impl<T: Copy> Bounds<T> {
    pub(crate) fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    pub(super) fn map(self, change: impl Fn(T) -> T) -> Self {
        Self { from: self.from.map(&change), to: self.to.map(&change) }
    }
}

impl<N: Copy + From<i8>> Bounds<N> {
    /// An end that is left out moves by one; past the end of the numbers it stays, where no job
    /// is told from the end itself.
    pub(super) fn of_numbers(range: &impl RangeBounds<N>, add: impl Fn(N, N) -> Option<N>) -> Self {
        let end = |bound: Bound<&N>, step: i8| match bound {
            Bound::Included(&number) => Some(number),
            Bound::Excluded(&number) => Some(add(number, step.into()).unwrap_or(number)),
            Bound::Unbounded => None,
        };
        Self { from: end(range.start_bound(), 1), to: end(range.end_bound(), -1) }
    }
}

impl Bounds<Moment> {
    pub(super) fn of_times(range: &impl RangeBounds<DateTime<Utc>>) -> Self {
        let end = |bound| match bound {
            Bound::Included(&time) | Bound::Excluded(&time) => Some(Moment::at(time)),
            Bound::Unbounded => None,
        };
        Self { from: end(range.start_bound()), to: end(range.end_bound()) }
    }
}

/// A time, or how long before now, in microseconds, as the database has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    At(DateTime<Utc>),
    /// Microseconds.
    Ago(u64),
}

impl Moment {
    /// 2,000 years: earlier times than that are before every job, and not all of them are times of the database.
    const LONGEST_AGO: u64 = 2_000 * 365 * 24 * 60 * 60 * 1_000_000;

    pub(super) fn at(time: DateTime<Utc>) -> Self {
        let first = DateTime::from_timestamp(-62_135_596_800, 0).expect("the year 1");
        let last = DateTime::from_timestamp(253_402_300_799, 0).expect("the year 9999");
        Self::At(time.clamp(first, last).trunc_subsecs(6))
    }

    pub(super) fn ago(ago: Duration) -> Self {
        Self::ago_in_micros(u64::try_from(ago.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn ago_in_micros(micros: u64) -> Self {
        Self::Ago(std::cmp::min(micros, Self::LONGEST_AGO))
    }

    pub(super) fn resolved(self, now: DateTime<Utc>) -> Self {
        match self {
            Self::At(_) => self,
            Self::Ago(micros) => {
                let ago = TimeDelta::microseconds(i64::try_from(micros).unwrap_or(i64::MAX));
                Self::at(now.checked_sub_signed(ago).unwrap_or(DateTime::<Utc>::MIN_UTC))
            }
        }
    }
}
