//! How many jobs ran, how they ended, how long they waited and took.

use std::collections::BTreeMap;

use anyhow::Result;
use simple_queue::{Histogram, StatsInterval};

use super::now;
use crate::{
    args::{Connection, Format, Stats, StatsBy},
    exit::Exit,
    output::{Cell, List, short},
};

/// What is added up in a line.
#[derive(Debug, Default)]
struct Sums {
    counts: [u64; 6],
    wait: Histogram,
    run: Histogram,
}

impl Sums {
    fn add(&mut self, it: &StatsInterval) {
        let more = [it.runs, it.completed, it.retried, it.snoozed, it.dead, it.cancelled];
        for (sum, more) in self.counts.iter_mut().zip(more) {
            *sum += more;
        }
        self.wait += &it.wait;
        self.run += &it.run;
    }

    fn cells(&self) -> Vec<Cell> {
        let mut cells: Vec<Cell> = self.counts.iter().map(|&count| Cell::number(count)).collect();
        for times in [&self.wait, &self.run] {
            for share in [0.5, 0.95] {
                let time = times.quantile(share).map(|time| format!("~{}", short(time)));
                cells.push(Cell::Count(time.unwrap_or_default()));
            }
        }
        cells
    }
}

pub(super) async fn run(connection: &Connection, format: Format, asked: Stats) -> Result<Exit> {
    let queue = connection.queue().await?;
    let mut stats = queue.stats().last(asked.since);
    if let Some(queue) = asked.queue {
        stats = stats.queue(queue);
    }
    if let Some(kind) = asked.kind {
        stats = stats.kind(kind);
    }
    let (stats, names) = match asked.by {
        StatsBy::Kind => (stats.by_queue().by_kind(), &["queue", "kind"][..]),
        StatsBy::Queue => (stats.by_queue(), &["queue"][..]),
        StatsBy::Time => (stats, &["from"][..]),
    };
    let intervals = stats.await?;
    let mut list = List::new(&[names, &COUNTS].concat());
    let mut sums: BTreeMap<(String, String), Sums> = BTreeMap::new();
    for it in &intervals {
        if matches!(asked.by, StatsBy::Time) {
            let mut alone = Sums::default();
            alone.add(it);
            list.push([vec![Cell::Time(Some(it.at))], alone.cells()].concat());
        } else {
            sums.entry((it.queue.clone(), it.kind.clone())).or_default().add(it);
        }
    }
    for ((queue, kind), sums) in &sums {
        let names = match asked.by {
            StatsBy::Kind => vec![Cell::text(queue), Cell::text(kind)],
            StatsBy::Queue | StatsBy::Time => vec![Cell::text(queue)],
        };
        list.push([names, sums.cells()].concat());
    }
    list.write(format, now(), "no job has ended in this time");
    Ok(if list.is_empty() { Exit::Nothing } else { Exit::Done })
}

/// The columns after the names.
const COUNTS: [&str; 10] = [
    "runs",
    "completed",
    "retried",
    "snoozed",
    "dead",
    "cancelled",
    "wait p50",
    "wait p95",
    "run p50",
    "run p95",
];
