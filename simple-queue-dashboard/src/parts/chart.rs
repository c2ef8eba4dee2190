//! Charts as SVG, each with a table of its numbers behind it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use simple_queue::{Histogram, StatsInterval};

use super::{
    bits::number,
    when::{lasting, time},
};
use crate::text;

/// 72 bars, upper bound of a chart.
const BARS: i32 = 72;

/// The runs of one bar.
#[derive(Debug, Clone, Default)]
struct Bar {
    at: DateTime<Utc>,
    completed: u64,
    retried: u64,
    dead: u64,
    /// Snoozed or cancelled.
    other: u64,
    wait: Histogram,
    run: Histogram,
}

impl Bar {
    fn runs(&self) -> u64 {
        self.completed + self.retried + self.dead + self.other
    }

    fn add(&mut self, interval: &StatsInterval) {
        self.completed += interval.completed;
        self.retried += interval.retried;
        self.dead += interval.dead;
        self.other += interval.snoozed + interval.cancelled;
        self.wait += &interval.wait;
        self.run += &interval.run;
    }
}

/// What ran in a span of time, in bars of the same width.
#[derive(Debug, Clone)]
pub(crate) struct Bars {
    list: Vec<Bar>,
    width: Duration,
    all: Bar,
}

impl Bars {
    /// The last `span`, up to now.
    pub(crate) fn of<'s>(
        intervals: impl IntoIterator<Item = &'s StatsInterval>,
        span: Duration,
        now: DateTime<Utc>,
    ) -> Self {
        let minutes = i32::try_from(span.as_secs() / 60).unwrap_or(i32::MAX);
        let steps = [1, 2, 10, 20, 60, 180, 360, 720, 1440, 2880, 7200, 10_080];
        let step =
            steps.into_iter().find(|step| minutes / step <= BARS).unwrap_or(minutes / BARS + 1);
        let seconds = i64::from(step) * 60;
        let count = std::cmp::max(i64::from(minutes / step), 1);
        let newest = now.timestamp().div_euclid(seconds);
        let first = newest - count + 1;
        let bars = (first..=newest).map(|place| Bar {
            at: DateTime::from_timestamp(place * seconds, 0).unwrap_or_default(),
            ..Bar::default()
        });
        let (mut list, mut all): (Vec<Bar>, Bar) = (bars.collect(), Bar::default());
        for interval in intervals {
            let place = interval.at.timestamp().div_euclid(seconds) - first;
            if let Some(bar) = usize::try_from(place).ok().and_then(|place| list.get_mut(place)) {
                bar.add(interval);
                all.add(interval);
            }
        }
        Self { list, width: Duration::from_secs(seconds.unsigned_abs()), all }
    }

    pub(crate) fn runs(&self) -> u64 {
        self.all.runs()
    }

    pub(crate) fn dead(&self) -> u64 {
        self.all.dead
    }

    pub(crate) fn retried(&self) -> u64 {
        self.all.retried
    }

    pub(crate) fn run(&self) -> &Histogram {
        &self.all.run
    }

    pub(crate) fn wait(&self) -> &Histogram {
        &self.all.wait
    }

    fn highest(&self) -> u64 {
        std::cmp::max(self.list.iter().map(Bar::runs).max().unwrap_or(0), 1)
    }
}

/// A length on the chart, out of `height`.
#[expect(clippy::cast_precision_loss, reason = "pixels")]
fn scaled(value: u64, of: u64, height: f64) -> f64 {
    value as f64 / of as f64 * height
}

#[expect(clippy::cast_precision_loss, reason = "pixels")]
fn place(at: usize) -> f64 {
    at as f64 * 10.0
}

fn points(number: f64) -> String {
    format!("{number:.1}")
}

/// The parts of a bar from below, with their classes.
fn parts(bar: &Bar) -> [(&'static str, u64); 4] {
    [("done", bar.completed), ("other", bar.other), ("retried", bar.retried), ("dead", bar.dead)]
}

fn stacked(bar: &Bar, at: usize, highest: u64, height: f64) -> Markup {
    let mut below = height;
    html! {
        @for (class, value) in parts(bar) {
            @if value > 0 {
                @let tall = scaled(value, highest, height);
                @let () = below -= tall;
                rect class=(class) x=(points(place(at) + 1.0)) y=(points(below)) width="8" height=(points(tall)) {}
            }
        }
    }
}

/// How many ran, and how they ended.
pub(crate) fn bars(bars: &Bars) -> Markup {
    let highest = bars.highest();
    let width = bars.list.len() * 10;
    html! {
        figure {
            div.legend {
                @for (class, words) in [
                    ("done", text::COMPLETED), ("retried", text::RETRIED), ("dead", text::DEAD),
                    ("other", text::PUT_OFF),
                ] {
                    span { svg viewBox="0 0 10 10" aria-hidden="true" { rect class=(class) width="10" height="10" rx="2" {} } (words) }
                }
                span.push { (text::most_in(&number(highest), &lasting(bars.width))) }
            }
            svg.chart viewBox={ "0 0 " (width) " 100" } preserveAspectRatio="none" role="img" aria-label=(text::RUNS_CHART) {
                line.axis x1="0" x2=(width) y1="99.5" y2="99.5" {}
                @for (at, bar) in bars.list.iter().enumerate().filter(|(_, bar)| bar.runs() > 0) {
                    g {
                        title { (bar.at.format("%F %H:%M")) ": " (number(bar.runs())) " " (text::RUNS_WORD) }
                        (stacked(bar, at, highest, 100.0))
                    }
                }
            }
            div.axis-words {
                @if let Some(first) = bars.list.first() { (time(first.at)) }
                span { (text::NOW) }
            }
            (table(bars))
        }
    }
}

fn table(bars: &Bars) -> Markup {
    let quantile = |times: &Histogram, share| {
        html! { td.n { @if let Some(it) = times.quantile(share) { (lasting(it)) } } }
    };
    html! {
        details.more {
            summary { (text::NUMBERS) }
            div.scroll tabindex="0" role="region" aria-label=(text::NUMBERS) {
                table {
                    thead {
                        tr {
                            th { (text::FROM) }
                            th.n { (text::COMPLETED) } th.n { (text::RETRIED) } th.n { (text::DEAD) }
                            th.n { (text::PUT_OFF) } th.n { (text::WAIT) " p95" }
                            th.n { (text::RUN) " p50" } th.n { (text::RUN) " p95" }
                        }
                    }
                    tbody {
                        @for bar in bars.list.iter().rev().filter(|bar| bar.runs() > 0) {
                            tr {
                                td { (bar.at.format("%F %H:%M")) }
                                @for value in [bar.completed, bar.retried, bar.dead, bar.other] {
                                    td.n { (number(value)) }
                                }
                                (quantile(&bar.wait, 0.95)) (quantile(&bar.run, 0.5)) (quantile(&bar.run, 0.95))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// How long runs took: lines of the half, of 95 % and of 99 %, on a scale on which a step is twice as long.
pub(crate) fn latencies(bars: &Bars) -> Markup {
    let width = bars.list.len() * 10;
    let lines = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];
    // 24 steps, from half a millisecond up to hours.
    let high = |time: Duration| {
        let millis = std::cmp::max(time.as_millis(), 1);
        100.0 - f64::from(u128::BITS - millis.leading_zeros()) / 24.0 * 100.0
    };
    // Between the bars a line, and in each bar a stroke, which is seen without a neighbour too.
    let line = |share: f64, is_stroke: bool| {
        let known = bars.list.iter().enumerate().filter_map(|(at, bar)| {
            let (along, high) = (place(at), high(bar.run.quantile(share)?));
            Some(if is_stroke {
                format!("M{:.0} {high:.1}h6", along + 2.0)
            } else {
                format!("{:.0},{high:.1}", along + 5.0)
            })
        });
        known.collect::<Vec<_>>().join(" ")
    };
    html! {
        figure {
            div.legend {
                @for (class, share) in lines {
                    span {
                        svg viewBox="0 0 10 10" aria-hidden="true" { rect class=(class) width="10" height="10" rx="2" {} }
                        (class)
                        @if let Some(time) = bars.run().quantile(share) { " " b { (lasting(time)) } }
                    }
                }
                span.push { (text::LOG_SCALE) }
            }
            svg.chart viewBox={ "0 0 " (width) " 100" } preserveAspectRatio="none" role="img" aria-label=(text::TIMES_CHART) {
                line.axis x1="0" x2=(width) y1="99.5" y2="99.5" {}
                @for (class, share) in lines {
                    polyline class=(class) points=(line(share, false)) {}
                    path class=(class) d=(line(share, true)) {}
                }
            }
            div.axis-words {
                @if let Some(first) = bars.list.first() { (time(first.at)) }
                span { (text::NOW) }
            }
        }
    }
}

/// The bars without anything around them.
pub(crate) fn sparkline(bars: &Bars, name: &str) -> Markup {
    let highest = bars.highest();
    let words = text::runs_of(&number(bars.runs()), name);
    html! {
        svg.spark viewBox={ "0 0 " (bars.list.len() * 10) " 20" } preserveAspectRatio="none" role="img" aria-label=(words) {
            title { (words) }
            @for (at, bar) in bars.list.iter().enumerate() { (stacked(bar, at, highest, 20.0)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_span_has_few_bars_that_end_now() {
        let now = "2026-11-30T10:03:20Z".parse().unwrap();
        for (hours, bars, width) in
            [(1, 60, 60), (24, 72, 1200), (24 * 7, 56, 10_800), (24 * 30, 60, 43_200)]
        {
            let made = Bars::of([], Duration::from_hours(hours), now);
            assert_eq!((made.list.len(), made.width.as_secs()), (bars, width), "{hours}");
            let last = made.list.last().unwrap().at;
            assert!(last <= now && last + made.width > now);
        }
    }
}
