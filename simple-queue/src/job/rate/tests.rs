//! The rule of the statements, against its promise.

use std::time::Duration;

use super::Rate;

/// A rate as its row has it, with times in microseconds. The rule is that of `take_tokens.sql`.
struct Row {
    rate: Rate,
    within: Duration,
    step: f64,
    burst: f64,
    tat: i64,
}

impl Row {
    fn of(rate: Rate) -> Self {
        let burst = f64::from(rate.burst);
        let mut row = Self { rate, within: Duration::ZERO, step: 1.0, burst, tat: 0 };
        row.fit(rate.start_within(), 0);
        row.tat = 0;
        row
    }

    /// Lets jobs take this long to start.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "small numbers"
    )]
    fn fit(&mut self, within: Duration, now: i64) {
        let Rate { limit, per, burst, is_strict, .. } = self.rate;
        let step = if is_strict {
            (per + within).as_secs_f64() * 1e6 / f64::from(limit - burst + 1)
        } else {
            per.as_secs_f64() * 1e6 / f64::from(limit)
        };
        let missing = (std::cmp::max(self.tat, now) - now) as f64 / self.step;
        self.tat = now + (missing * step).ceil() as i64 + micros(within.abs_diff(self.within));
        (self.within, self.step) = (within, step);
    }

    /// Takes up to this many tokens, at a `now()` that may be earlier than that of the statement before.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "small numbers"
    )]
    fn take(&mut self, now: i64, wanted: i64) -> i64 {
        let tat = std::cmp::max(self.tat, now);
        let there = ((now - tat) as f64 / self.step + self.burst).floor().max(0.0) as i64;
        let taken = std::cmp::min(there, wanted);
        if taken > 0 {
            self.tat = tat + (taken as f64 * self.step).ceil() as i64;
        }
        taken
    }

    /// Gives back tokens that no job used, if none was taken since `tat` was this.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "small numbers"
    )]
    fn give_back(&mut self, tat: i64, unused: i64) {
        if self.tat == tat {
            self.tat -= (unused as f64 * self.step).floor() as i64;
        }
    }
}

/// The most starts in a half-open window of this length.
fn most_in_a_window(starts: &mut [i64], length: i64) -> usize {
    starts.sort_unstable();
    let mut most = 0;
    let mut first = 0;
    for (last, at) in starts.iter().enumerate() {
        while at - starts[first] >= length {
            first += 1;
        }
        most = std::cmp::max(most, last + 1 - first);
    }
    most
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap()
}

/// Plays eight processes at random for ten periods. Their statements see a `now()` of up to 5 ms before they get the
/// lock, their jobs start at any time within the allowed one, and some of their tokens are not used.
fn play(rate: Rate, seed: u64) -> (usize, usize) {
    let mut random = fastrand::Rng::with_seed(seed);
    let per = micros(rate.per);
    let mut row = Row::of(rate);
    let (mut starts, mut now, pause) = (Vec::new(), 0, micros(rate.per) / 40);
    while now < 10 * per {
        now += random.i64(0..=std::cmp::max(pause, 1));
        // After some pauses the bucket is full.
        if random.u32(0..200) == 0 {
            now += 2 * per;
        }
        let stamp = now - random.i64(0..5_000);
        // Processes become slow, and fast again.
        if random.u32(0..50) == 0 {
            row.fit(rate.start_within() * 2_u32.pow(random.u32(0..5)), stamp);
        }
        let within = micros(row.within);
        let taken = row.take(stamp, random.i64(1..=i64::from(rate.limit)));
        let unused = if random.u32(0..4) == 0 { random.i64(0..=taken) } else { 0 };
        starts.extend((unused..taken).map(|_| stamp + random.i64(0..=within)));
        let left = row.tat;
        // Another process takes some in between.
        if random.bool() {
            let more = row.take(now, random.i64(0..3));
            starts.extend((0..more).map(|_| now + random.i64(0..=within)));
        }
        if taken > 0 {
            row.give_back(left, unused);
        }
    }
    let in_all = starts.len();
    (most_in_a_window(&mut starts, per), in_all)
}

#[test]
fn no_window_at_any_place_has_more_starts_than_a_strict_rate_allows() {
    let rates = [
        Rate::per_second(100),
        Rate::per_second(100).burst(1),
        Rate::per_second(100).burst(99),
        Rate::per_second(1),
        Rate::new(2, Duration::from_millis(100)),
        Rate::per_hour(1000).burst(500),
        Rate::new(7, Duration::from_secs(3)).burst(3),
    ];
    for rate in rates {
        let mut most = 0;
        for seed in 0..200 {
            most = std::cmp::max(most, play(rate, seed).0);
        }
        let limit = usize::try_from(rate.limit).unwrap();
        assert!(most <= limit, "{most} of {rate}");
        assert!(
            most + 1 >= std::cmp::min(limit, 3),
            "{rate} allows {most} only: the play never fills a window"
        );
    }
}

#[test]
fn a_window_of_a_token_bucket_has_its_burst_beside_the_rate() {
    let rate = Rate::per_second(100).token_bucket(100);
    let most = (0..200).map(|seed| play(rate, seed).0).max().unwrap();
    assert!((101..=203).contains(&most), "{most}");
}

#[test]
fn a_strict_rate_is_used_to_nine_tenths() {
    for (rate, least) in [
        (Rate::per_second(100), 0.88),
        (Rate::per_second(100).burst(1), 0.97),
        (Rate::per_second(1), 0.97),
    ] {
        let mut row = Row::of(rate);
        // A hundred seconds, in steps of a tenth of a millisecond.
        let taken: i64 = (0..1_000_000).map(|tick| row.take(tick * 100, 100)).sum();
        let share = f64::from(i32::try_from(taken).unwrap()) / f64::from(rate.limit) / 100.0;
        assert!(share >= least && share <= 1.01, "{share} of {rate}");
    }
}

#[test]
fn a_rate_reads_as_it_is_written() {
    assert_eq!(Rate::per_second(100).to_string(), "100 per 1s, with a burst of 10");
    let bucket = Rate::new(5, Duration::from_millis(90_500)).token_bucket(5);
    assert_eq!(bucket.to_string(), "5 per 90.5s, with a bucket of 5");
    let rate = Rate::per_hour(50);
    assert_eq!(Rate::from(super::StoredRate::from(rate)), rate);
}
