//! What `top` shows at a moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::Result;
use chrono::{DateTime, Utc};
use simple_queue::{JobFilter, QueueState, SimpleQueue, StatsInterval};

use crate::{
    commands::now,
    output::{ago, short, shown},
};

/// 30 min of runs, of which each minute is a bar.
pub(super) const MINUTES: usize = 30;

/// 60 s: a job that has been due for longer is worth a colour.
const LATE: Duration = Duration::from_mins(1);

/// What is shown. All texts are safe on a terminal.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) target: String,
    pub(super) queues: Vec<QueueLine>,
    pub(super) workers: Vec<WorkerLine>,
    pub(super) runs: Vec<RunLine>,
    pub(super) errors: Vec<ErrorLine>,
    /// For how long the oldest job has been due.
    pub(super) lag: Option<Duration>,
    /// Runs of the last whole minute.
    pub(super) rate: u64,
    /// Why the numbers are old.
    pub(super) problem: Option<String>,
}

#[derive(Debug)]
pub(super) struct QueueLine {
    pub(super) name: String,
    pub(super) workers: String,
    pub(super) waiting: String,
    pub(super) later: String,
    pub(super) oldest: String,
    pub(super) is_late: bool,
    pub(super) is_paused: bool,
    /// Runs of each minute, the last at the end.
    pub(super) minutes: Vec<u64>,
}

#[derive(Debug)]
pub(super) struct WorkerLine {
    pub(super) place: String,
    pub(super) queues: String,
    pub(super) heartbeat: String,
    pub(super) is_silent: bool,
}

#[derive(Debug)]
pub(super) struct RunLine {
    pub(super) kind: String,
    pub(super) since: String,
    pub(super) progress: String,
    pub(super) note: String,
    pub(super) host: String,
    pub(super) is_cancelled: bool,
}

#[derive(Debug)]
pub(super) struct ErrorLine {
    pub(super) when: String,
    pub(super) kind: String,
    pub(super) error: String,
}

/// What changes slowly, and is asked for less often.
#[derive(Debug, Default)]
pub(super) struct Slow {
    minutes: BTreeMap<String, Vec<u64>>,
    rate: u64,
    errors: Vec<ErrorLine>,
}

impl Slow {
    /// Statistics are written once a minute, and dead letters are worth a look every few seconds.
    pub(super) async fn look(queue: &SimpleQueue) -> Result<Self> {
        const ERRORS: usize = 10;
        let since = Duration::from_mins(u64::try_from(MINUTES).unwrap_or(u64::MAX));
        let minute = Duration::from_mins(1);
        let intervals = queue.stats().by_queue().last(since).width(minute).await?;
        let now = now();
        let dead = JobFilter::dead();
        let page = queue.admin().find(&dead).limit(ERRORS).with_contents().await?;
        let errors = page.jobs.into_iter().map(|job| {
            let error = job.contents.and_then(|contents| {
                contents.errors.last().map(|failed| failed.error.clone()).or(contents.reason)
            });
            ErrorLine {
                when: job.finished_at.map_or_else(String::new, |at| ago(at, now)),
                kind: shown(&job.kind),
                error: shown(error.unwrap_or_default().lines().next().unwrap_or_default()),
            }
        });
        Ok(Self {
            minutes: by_minute(&intervals, now),
            rate: last_minute(&intervals, now),
            errors: errors.collect(),
        })
    }
}

impl View {
    pub(super) async fn look(queue: &SimpleQueue, target: &str, slow: &Slow) -> Result<Self> {
        let (queues, workers) = (queue.queues().await?, queue.workers().await?);
        let running = queue.running().await?;
        let now = now();
        let lag = queues.iter().filter_map(|queue| queue.depth?.oldest).max();
        let workers = workers.into_iter().map(|worker| WorkerLine {
            place: format!("{} {}", shown(&worker.host), worker.pid),
            queues: shown(&worker.queues.join(",")),
            heartbeat: ago(worker.heartbeat_at, now),
            is_silent: worker.is_silent,
        });
        let runs = running.into_iter().map(|run| RunLine {
            kind: shown(&run.kind),
            since: short((now - run.started_at).to_std().unwrap_or_default()),
            progress: run.progress.map(|done| format!("{:.0} %", done * 100.0)).unwrap_or_default(),
            note: shown(&run.note.unwrap_or_default()),
            host: shown(&run.host),
            is_cancelled: run.is_cancelled,
        });
        Ok(Self {
            target: target.to_owned(),
            queues: queues.iter().map(|it| QueueLine::of(it, slow)).collect(),
            workers: workers.collect(),
            runs: runs.collect(),
            errors: slow.errors.iter().map(ErrorLine::again).collect(),
            lag,
            rate: slow.rate,
            problem: None,
        })
    }
}

impl QueueLine {
    fn of(queue: &QueueState, slow: &Slow) -> Self {
        let unknown = || "?".to_owned();
        let oldest = queue.depth.and_then(|depth| depth.oldest);
        Self {
            name: shown(&queue.name),
            workers: queue.workers.to_string(),
            waiting: queue.depth.map_or_else(unknown, |depth| depth.waiting.to_string()),
            later: queue.depth.map_or_else(unknown, |depth| depth.later.to_string()),
            oldest: oldest.map(short).unwrap_or_default(),
            is_late: oldest.is_some_and(|oldest| oldest > LATE),
            is_paused: queue.pause.is_some(),
            minutes: slow.minutes.get(&queue.name).cloned().unwrap_or_default(),
        }
    }
}

impl ErrorLine {
    fn again(&self) -> Self {
        Self { when: self.when.clone(), kind: self.kind.clone(), error: self.error.clone() }
    }
}

/// The whole minutes from a time to the present.
fn minutes_ago(at: DateTime<Utc>, now: DateTime<Utc>) -> usize {
    usize::try_from((now.timestamp() / 60) - (at.timestamp() / 60)).unwrap_or(0)
}

/// The runs of each queue in each minute.
fn by_minute(intervals: &[StatsInterval], now: DateTime<Utc>) -> BTreeMap<String, Vec<u64>> {
    let mut minutes: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for interval in intervals {
        let bars = minutes.entry(interval.queue.clone()).or_insert_with(|| vec![0; MINUTES]);
        if let Some(place) = (MINUTES - 1).checked_sub(minutes_ago(interval.at, now)) {
            bars[place] += interval.runs;
        }
    }
    minutes
}

/// The runs of the last minute that is complete: the newest but the present one.
fn last_minute(intervals: &[StatsInterval], now: DateTime<Utc>) -> u64 {
    let complete: BTreeSet<DateTime<Utc>> =
        intervals.iter().map(|it| it.at).filter(|at| minutes_ago(*at, now) > 0).collect();
    let last = complete.last().filter(|at| minutes_ago(**at, now) <= 2);
    intervals.iter().filter(|it| Some(&it.at) == last).map(|it| it.runs).sum()
}
