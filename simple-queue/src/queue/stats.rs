//! How many jobs ran, how they ended, and how long they waited and took.

use std::{
    collections::BTreeMap,
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use chrono::{DateTime, Utc};

use super::SimpleQueue;
use crate::{
    Error,
    database::again,
    stats::Histogram,
    store::{StatsRange, StatsRow, StatsSpan},
};

/// # Statistics
impl SimpleQueue {
    /// Asks how many jobs ran, how they ended, and how long they waited and took, in intervals of
    /// time. Without further calls it is the last hour by minutes, of all queues and kinds together.
    ///
    /// Workers count their runs in memory and write the counts once a minute, so the last minute
    /// is incomplete, and a process that is killed takes its last minute along. Minutes are kept for
    /// a day, ten minutes for two weeks, hours for 400 days.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use simple_queue::prelude::*;
    /// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// for interval in queue.stats().queue("emails").by_kind().last(Duration::from_hours(3)).await? {
    ///     let slowest = interval.run.quantile(0.95).unwrap_or_default();
    ///     println!("{} {}: {} runs, 95 % within {slowest:?}", interval.at, interval.kind, interval.runs);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stats(&self) -> Stats<'_> {
        Stats {
            client: self,
            queue: None,
            kind: None,
            groups: Groups { by_queue: false, by_kind: false },
            span: StatsSpan::Last(Duration::from_hours(1)),
            width: None,
        }
    }
}

/// A question about runs in the past; made by [`SimpleQueue::stats`], and asked by `.await`.
#[derive(Debug, Clone)]
#[must_use = "it is asked by `.await`"]
pub struct Stats<'q> {
    client: &'q SimpleQueue,
    queue: Option<String>,
    kind: Option<String>,
    groups: Groups,
    span: StatsSpan,
    width: Option<Duration>,
}

/// What is told apart.
#[derive(Debug, Clone, Copy)]
struct Groups {
    by_queue: bool,
    by_kind: bool,
}

/// The runs that ended in an interval of time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatsInterval {
    /// When the interval began.
    pub at: DateTime<Utc>,
    /// How long it is: a minute, ten minutes or an hour.
    pub width: Duration,
    /// The queue; empty unless [`Stats::by_queue`] or [`Stats::queue`] was called.
    pub queue: String,
    /// The kind; empty unless [`Stats::by_kind`] or [`Stats::kind`] was called, and for plain jobs.
    pub kind: String,
    /// Runs that ended: the sum of the next five.
    pub runs: u64,
    /// Runs that completed their jobs.
    pub completed: u64,
    /// Attempts that failed and were followed by another.
    pub retried: u64,
    /// Runs that put their jobs off.
    pub snoozed: u64,
    /// Runs after which the job failed for good.
    pub dead: u64,
    /// Runs that ended with a cancellation.
    pub cancelled: u64,
    /// The times from when the jobs were due to their claims.
    pub wait: Histogram,
    /// The times that the handlers took.
    pub run: Histogram,
}

/// The widths of intervals, each with the span up to which it is used unless another one is asked for: at most 180,
/// 432 and any number of intervals.
const WIDTHS: [(Duration, Duration); 3] = [
    (Duration::from_mins(1), Duration::from_hours(3)),
    (Duration::from_mins(10), Duration::from_hours(72)),
    (Duration::from_hours(1), Duration::MAX),
];

impl Stats<'_> {
    /// Counts the runs of this queue only.
    pub fn queue(self, queue: impl Into<String>) -> Self {
        Self { queue: Some(queue.into()), ..self }
    }

    /// Counts the runs of this kind only.
    pub fn kind(self, kind: impl Into<String>) -> Self {
        Self { kind: Some(kind.into()), ..self }
    }

    /// Counts each queue apart.
    pub fn by_queue(self) -> Self {
        Self { groups: Groups { by_queue: true, ..self.groups }, ..self }
    }

    /// Counts each kind apart.
    pub fn by_kind(self) -> Self {
        Self { groups: Groups { by_kind: true, ..self.groups }, ..self }
    }

    /// Counts the runs that ended in the last while, by the database's clock.
    pub fn last(self, time: Duration) -> Self {
        Self { span: StatsSpan::Last(time), ..self }
    }

    /// Counts the runs that ended from one time on and before another.
    pub fn between(self, since: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self { span: StatsSpan::Between(since, until), ..self }
    }

    /// Sets the width of the intervals; the next narrower of a minute, ten minutes and an hour is
    /// taken. By default it follows from the time that is asked for: minutes up to three hours, ten
    /// minutes up to three days.
    pub fn width(self, width: Duration) -> Self {
        Self { width: Some(width), ..self }
    }

    async fn read(self) -> Result<Vec<StatsInterval>, Error> {
        let (store, client) = (self.client.store(), self.client);
        let width = self.width_of(match self.span {
            StatsSpan::Between(since, until) => (until - since).to_std().unwrap_or_default(),
            StatsSpan::Last(time) => time,
        });
        let range = StatsRange {
            width,
            span: self.span,
            queue: self.queue.as_deref(),
            kind: self.kind.as_deref(),
        };
        let rows = again!(tries => client.ask(async |connection| {
            store.read_stats(connection, &range).await
        }));
        Ok(self.grouped(rows.map_err(Error::database("read statistics"))?, width))
    }

    fn width_of(&self, span: Duration) -> Duration {
        let narrowest = WIDTHS[0].0;
        match self.width {
            Some(asked) => {
                let mut widths = WIDTHS.iter().map(|(width, _)| *width).rev();
                widths.find(|&width| width <= asked).unwrap_or(narrowest)
            }
            None => WIDTHS.iter().find(|(_, up_to)| span <= *up_to).map_or(narrowest, |it| it.0),
        }
    }

    /// Adds up the rows of each interval and group.
    fn grouped(&self, rows: Vec<StatsRow>, width: Duration) -> Vec<StatsInterval> {
        let Groups { by_queue, by_kind } = self.groups;
        let mut intervals: BTreeMap<(DateTime<Utc>, String, String), StatsInterval> =
            BTreeMap::new();
        for row in rows {
            let shown = |is_shown: bool, name: &String| {
                if is_shown { name.clone() } else { String::new() }
            };
            let queue = shown(by_queue || self.queue.is_some(), &row.queue);
            let kind = shown(by_kind || self.kind.is_some(), &row.kind);
            let key = (row.at, queue.clone(), kind.clone());
            let interval = intervals
                .entry(key)
                .or_insert_with(|| StatsInterval::empty(row.at, width, queue, kind));
            interval.add(&row);
        }
        intervals.into_values().filter(|interval| interval.runs > 0).collect()
    }
}

impl StatsInterval {
    fn empty(at: DateTime<Utc>, width: Duration, queue: String, kind: String) -> Self {
        Self {
            at,
            width,
            queue,
            kind,
            runs: 0,
            completed: 0,
            retried: 0,
            snoozed: 0,
            dead: 0,
            cancelled: 0,
            wait: Histogram::default(),
            run: Histogram::default(),
        }
    }

    fn add(&mut self, row: &StatsRow) {
        let count = |stored: i64| u64::try_from(stored).unwrap_or(0);
        self.runs += count(row.runs);
        self.completed += count(row.completed);
        self.retried += count(row.retried);
        self.snoozed += count(row.snoozed);
        self.dead += count(row.dead);
        self.cancelled += count(row.cancelled);
        self.wait += &row.wait;
        self.run += &row.run;
    }
}

/// Asks the database.
///
/// # Errors
/// When the database fails.
///
/// # Cancel safety
/// Cancel safe: it only looks.
impl<'q> IntoFuture for Stats<'q> {
    type Output = Result<Vec<StatsInterval>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'q>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.read())
    }
}

/// Writes one line: the time, the queue and the kind where they are told apart, and the counts.
impl fmt::Display for StatsInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.at.format("%F %R"))?;
        for name in [&self.queue, &self.kind] {
            if !name.is_empty() {
                write!(f, " {name}")?;
            }
        }
        let Self { runs, completed, retried, snoozed, dead, cancelled, .. } = self;
        write!(
            f,
            ": {runs} runs, {completed} completed, {retried} retried, {snoozed} snoozed, {dead} dead, {cancelled} cancelled"
        )?;
        if let Some(mean) = self.run.mean() {
            write!(f, ", {mean:?} on average")?;
        }
        Ok(())
    }
}
