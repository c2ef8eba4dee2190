//! Durations, counted in bins of which each is twice as wide as the one before.

use std::{
    iter::zip,
    ops::{AddAssign, Index},
    time::Duration,
};

/// 24 bins: below 1 ms, below 2 ms, below 4 ms, …, below 2.3 h (2²³ ms) is the 24th, which has all that is longer too.
const BINS: usize = 24;

/// Counts of durations, as a process adds them up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LatencyBins {
    bins: [u32; BINS],
    millis: u64,
}

impl LatencyBins {
    pub(crate) fn add(&mut self, millis: u32) {
        let bin = (u32::BITS - millis.leading_zeros()) as usize;
        if let Some(count) = self.bins.get_mut(std::cmp::min(bin, BINS - 1)) {
            *count = count.saturating_add(1);
        }
        self.millis += u64::from(millis);
    }

    /// The counts up to the last one that is not 0, which is how they are stored.
    pub(crate) fn stored(&self) -> &[u32] {
        let used = self.bins.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1);
        self.bins.get(..used).unwrap_or_default()
    }

    /// The sum of the durations in milliseconds.
    pub(crate) fn millis(&self) -> u64 {
        self.millis
    }
}

impl AddAssign<&Self> for LatencyBins {
    fn add_assign(&mut self, other: &Self) {
        for (count, more) in zip(&mut self.bins, other.bins) {
            *count = count.saturating_add(more);
        }
        self.millis += other.millis;
    }
}

/// How long runs waited or took.
///
/// The durations are counted in bins of which each is twice as wide as the one before, from 1 ms to
/// 2.3 h. So a [quantile](Self::quantile) is right within a factor of √2, which is enough to see a
/// change; the [mean](Self::mean) is exact to a millisecond.
///
/// ```
/// # use simple_queue::Histogram;
/// let none = Histogram::default();
/// assert_eq!((none.count(), none.mean(), none.quantile(0.95)), (0, None, None));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    bins: [u64; BINS],
    millis: u64,
}

impl Histogram {
    pub(crate) fn of_stored(bins: &[i32], millis: i64) -> Self {
        let mut all = [0; BINS];
        for (count, &stored) in zip(&mut all, bins) {
            *count = u64::try_from(stored).unwrap_or(0);
        }
        Self { bins: all, millis: u64::try_from(millis).unwrap_or(0) }
    }

    /// The number of runs.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bins.iter().sum()
    }

    /// The mean duration; `None` without a run.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        self.millis.checked_div(self.count()).map(Duration::from_millis)
    }

    /// The duration that this share of the runs did not exceed, for example 0.95; `None` without a
    /// run. It is the geometric middle of the bin in which that run is, so at most √2 times too large
    /// or too small. Below 1 ms it is 0.5 ms, and above 2.3 h it is unknown how much.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts are far below 2^52, and the share is within 0 and 1"
        )]
        let rank = std::cmp::max((share.clamp(0.0, 1.0) * count as f64).ceil() as u64, 1);
        let mut below = 0;
        let bin = self.bins.iter().position(|count| {
            below += count;
            below >= rank
        })?;
        let micros = match bin {
            0 => 500.0,
            _ => 1000.0 * 2_f64.powf(f64::from(u32::try_from(bin).ok()?) - 0.5),
        };
        Some(Duration::from_secs_f64(micros / 1e6))
    }

    /// The bins with their upper bounds, for a chart; the last one has no bound.
    pub fn bins(&self) -> impl Iterator<Item = (Option<Duration>, u64)> + '_ {
        (0_u32..).zip(&self.bins).map(|(place, &count)| {
            let is_last = usize::try_from(place).is_ok_and(|place| place == BINS - 1);
            let bound = (!is_last).then(|| Duration::from_millis(1 << place));
            (bound, count)
        })
    }
}

impl AddAssign<&Self> for Histogram {
    fn add_assign(&mut self, other: &Self) {
        for (count, more) in zip(&mut self.bins, other.bins) {
            *count += more;
        }
        self.millis += other.millis;
    }
}

impl Index<usize> for LatencyBins {
    type Output = u32;

    fn index(&self, bin: usize) -> &u32 {
        self.bins.index(bin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(millis: &[u32]) -> Histogram {
        let mut bins = LatencyBins::default();
        for &millis in millis {
            bins.add(millis);
        }
        let stored: Vec<i32> =
            bins.stored().iter().map(|&count| i32::try_from(count).unwrap()).collect();
        Histogram::of_stored(&stored, i64::try_from(bins.millis()).unwrap())
    }

    #[test]
    fn a_duration_is_counted_below_the_first_bound_that_it_does_not_reach() {
        let mut bins = LatencyBins::default();
        for (millis, bin) in [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (1 << 22, 23), (u32::MAX, 23)]
        {
            let before = bins[bin];
            bins.add(millis);
            assert_eq!(bins[bin], before + 1, "{millis}");
        }
        assert_eq!(bins.stored().len(), BINS);
        assert!(LatencyBins::default().stored().is_empty());
    }

    #[test]
    fn quantiles_are_right_within_a_factor_of_the_root_of_two() {
        let all: Vec<u32> = (1..=10_000).collect();
        let histogram = histogram(&all);
        assert_eq!(histogram.count(), 10_000);
        assert_eq!(histogram.mean(), Some(Duration::from_secs(5)));
        for (share, exact) in [(0.01, 100.0), (0.5, 5000.0), (0.95, 9500.0), (0.999, 9990.0)] {
            let millis = histogram.quantile(share).unwrap().as_secs_f64() * 1000.0;
            let factor = f64::max(millis / exact, exact / millis);
            assert!(factor <= 2_f64.sqrt() + 0.001, "{share}: {millis} for {exact}");
        }
    }

    #[test]
    fn the_bounds_of_bins_are_powers_of_two() {
        let bounds: Vec<_> = histogram(&[]).bins().map(|(bound, _)| bound).collect();
        assert_eq!(bounds.len(), BINS);
        assert_eq!(bounds[0], Some(Duration::from_millis(1)));
        assert_eq!(bounds[22], Some(Duration::from_millis(1 << 22)));
        assert_eq!(bounds[23], None);
    }
}
