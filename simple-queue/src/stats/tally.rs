//! The counts of one process since it last added them to the database's.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::{LatencyBins, Measured, RunEnd};

/// The number of a series, which is the runs of one kind in one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SeriesId(u32);

/// The runs of one kind in one queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SeriesName {
    pub(crate) queue: String,
    pub(crate) kind: String,
}

/// What is counted of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) runs: u32,
    pub(crate) completed: u32,
    pub(crate) retried: u32,
    pub(crate) snoozed: u32,
    pub(crate) dead: u32,
    pub(crate) cancelled: u32,
    pub(crate) wait: LatencyBins,
    pub(crate) run: LatencyBins,
}

/// The counts of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) name: SeriesName,
    pub(crate) counts: Counts,
}

/// 200, upper bound of the series of a process. A handler for all kinds of its queue may be given kinds without end;
/// the runs of further ones are counted together.
const MOST_SERIES: usize = 200;

/// Queue and kind of the series that has what the others have no room for.
const REST: &str = "…";

/// The counts of a process.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    known: Mutex<Known>,
    counts: Mutex<Vec<Counts>>,
}

#[derive(Debug, Default)]
struct Known {
    names: Vec<SeriesName>,
    /// Numbers by queue and kind.
    ids: HashMap<String, HashMap<String, SeriesId>>,
}

impl Tally {
    /// The number of a series.
    pub(crate) fn series(&self, queue: &str, kind: &str) -> SeriesId {
        let mut known = self.known.lock();
        if let Some(&id) = known.ids.get(queue).and_then(|kinds| kinds.get(kind)) {
            return id;
        }
        let (queue, kind) =
            if known.names.len() < MOST_SERIES - 1 { (queue, kind) } else { (REST, REST) };
        if let Some(&id) = known.ids.get(queue).and_then(|kinds| kinds.get(kind)) {
            return id;
        }
        let id = SeriesId(u32::try_from(known.names.len()).unwrap_or(u32::MAX));
        known.names.push(SeriesName { queue: queue.to_owned(), kind: kind.to_owned() });
        known.ids.entry(queue.to_owned()).or_default().insert(kind.to_owned(), id);
        id
    }

    /// Counts runs whose ends are written.
    pub(crate) fn add(&self, runs: impl Iterator<Item = (Measured, RunEnd)>) {
        let mut counts = self.counts.lock();
        for (measured, end) in runs {
            let place = measured.series.0 as usize;
            if place >= counts.len() {
                counts.resize(place + 1, Counts::default());
            }
            if let Some(counts) = counts.get_mut(place) {
                counts.add(measured, end);
            }
        }
    }

    /// What was counted since the last call, ordered by queue and kind.
    pub(crate) fn take(&self) -> Vec<Counted> {
        let counts = std::mem::take(&mut *self.counts.lock());
        let known = self.known.lock();
        let counted = known.names.iter().zip(counts).filter(|(_, counts)| counts.runs > 0);
        let mut counted: Vec<Counted> =
            counted.map(|(name, counts)| Counted { name: name.clone(), counts }).collect();
        counted.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        counted
    }

    /// Counts again what could not be added to the database's counts.
    pub(crate) fn give_back(&self, counted: &[Counted]) {
        for Counted { name, counts: more } in counted {
            let place = self.series(&name.queue, &name.kind).0 as usize;
            let mut counts = self.counts.lock();
            if place >= counts.len() {
                counts.resize(place + 1, Counts::default());
            }
            if let Some(counts) = counts.get_mut(place) {
                counts.add_all(more);
            }
        }
    }
}

impl Counts {
    fn add(&mut self, measured: Measured, end: RunEnd) {
        self.runs += 1;
        match end {
            RunEnd::Completed => self.completed += 1,
            RunEnd::Retried => self.retried += 1,
            RunEnd::Snoozed => self.snoozed += 1,
            RunEnd::Dead => self.dead += 1,
            RunEnd::Cancelled => self.cancelled += 1,
        }
        self.wait.add(measured.waited);
        self.run.add(measured.ran);
    }

    fn add_all(&mut self, more: &Self) {
        self.runs += more.runs;
        self.completed += more.completed;
        self.retried += more.retried;
        self.snoozed += more.snoozed;
        self.dead += more.dead;
        self.cancelled += more.cancelled;
        self.wait += &more.wait;
        self.run += &more.run;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn count(tally: &Tally, kind: &str, end: RunEnd) {
        let series = tally.series("emails", kind);
        let (waited, ran) = (Duration::from_millis(3), Duration::from_millis(40));
        tally.add([(Measured::new(series, waited, ran), end)].into_iter());
    }

    #[test]
    fn counts_are_taken_once_and_by_name() {
        let tally = Tally::default();
        for (kind, end) in [("b", RunEnd::Completed), ("a", RunEnd::Retried), ("b", RunEnd::Dead)] {
            count(&tally, kind, end);
        }
        let taken = tally.take();
        let kinds: Vec<&str> = taken.iter().map(|counted| counted.name.kind.as_str()).collect();
        assert_eq!(kinds, ["a", "b"]);
        let counts = taken[1].counts;
        assert_eq!((counts.runs, counts.completed, counts.dead), (2, 1, 1));
        assert_eq!((counts.wait.millis(), counts.run.millis()), (6, 80));
        assert!(tally.take().is_empty());
    }

    #[test]
    fn counts_that_were_given_back_are_added_to_new_ones() {
        let tally = Tally::default();
        count(&tally, "a", RunEnd::Snoozed);
        let taken = tally.take();
        count(&tally, "a", RunEnd::Cancelled);
        tally.give_back(&taken);
        let counts = tally.take()[0].counts;
        assert_eq!((counts.runs, counts.snoozed, counts.cancelled), (2, 1, 1));
        assert_eq!(counts.run.millis(), 80);
    }

    #[test]
    fn kinds_without_end_are_counted_together() {
        let tally = Tally::default();
        for number in 0..1000 {
            count(&tally, &format!("kind {number}"), RunEnd::Completed);
        }
        let taken = tally.take();
        assert_eq!(taken.len(), MOST_SERIES);
        let rest = taken.iter().find(|counted| counted.name.kind == REST).unwrap();
        assert_eq!(usize::try_from(rest.counts.runs).unwrap(), 1000 - (MOST_SERIES - 1));
    }
}
