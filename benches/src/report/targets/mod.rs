//! What the library is to reach, and what was measured of it.

use serde::Serialize;

use super::{
    Record,
    statistics::{Spread, median},
    table::{Styles, lines, number, spread},
};
use crate::{
    contestant::{About, Role},
    metrics::{LIFE_WAL, PERMITS},
};

const OURS: &str = "simple-queue";
const FORGETTING: &str = "simple-queue-forgetting";
const BARE: &str = "bare";
const BARE_FORGETTING: &str = "bare-forgetting";
const GRAPHILE: &str = "graphile_worker";

/// 2.5, the least ratio of the limit to `graphile_worker`. A round with less was disturbed, and its ratios of wall
/// time do not count.
const LEAST_OF_BARE: f64 = 2.5;

/// A figure of ours, by what it is divided, and where it should lie.
struct Target {
    workload: &'static str,
    case: &'static str,
    ours: &'static str,
    metric: &'static str,
    by: By,
    wanted: Wanted,
}

#[derive(Clone, Copy)]
enum By {
    /// The figure itself.
    Nothing,
    Contestant(&'static str),
    /// As a contestant, but only in rounds in which the limit was one.
    ContestantIfBareIsFast(&'static str),
    /// The peer with the best median.
    BestPeer,
    /// Ours in another case of the workload.
    Case(&'static str),
    /// Not divided by, but less ours in another case.
    LessCase(&'static str),
}

#[derive(Clone, Copy)]
enum Wanted {
    AtLeast(f64),
    AtMost(f64),
    Below(f64),
}

use By::{BestPeer, Case, Contestant, ContestantIfBareIsFast, LessCase, Nothing};
use Wanted::{AtLeast, AtMost, Below};

const fn target(
    workload: &'static str,
    case: &'static str,
    ours: &'static str,
    metric: &'static str,
    by: By,
    wanted: Wanted,
) -> Target {
    Target { workload, case, ours, metric, by, wanted }
}

const ALL: &[Target] = &[
    target(
        "drain",
        "one process",
        FORGETTING,
        "jobs/s",
        ContestantIfBareIsFast(GRAPHILE),
        AtLeast(2.0),
    ),
    target(
        "drain",
        "one process",
        FORGETTING,
        "jobs/s",
        ContestantIfBareIsFast(BARE_FORGETTING),
        AtLeast(0.75),
    ),
    target("drain", "one process", FORGETTING, "server µs/job", Contestant(GRAPHILE), AtMost(0.45)),
    target("drain", "one process", FORGETTING, "client µs/job", Contestant(GRAPHILE), AtMost(0.35)),
    target("drain", "one process", FORGETTING, LIFE_WAL, Contestant(GRAPHILE), AtMost(0.6)),
    target("drain", "one process", OURS, "jobs/s", Contestant(GRAPHILE), AtLeast(1.5)),
    target("drain", "one process", OURS, LIFE_WAL, Contestant(GRAPHILE), AtMost(1.0)),
    target("enqueue", "one at a time", OURS, "jobs/s", BestPeer, AtLeast(1.2)),
    target("enqueue", "16 callers", OURS, "jobs/s", BestPeer, AtLeast(3.0)),
    target("enqueue", "64 callers", OURS, "jobs/s", BestPeer, AtLeast(5.0)),
    target("enqueue", "1,000 in a call", OURS, "jobs/s", BestPeer, AtLeast(2.5)),
    target("enqueue", "1,000 in a call", OURS, "jobs/s", Contestant(BARE), AtLeast(0.8)),
    target("latency", "one every 50 ms", OURS, "p50 ms", BestPeer, AtMost(1.1)),
    target("latency", "one every 50 ms", OURS, "p95 ms", BestPeer, AtMost(1.1)),
    target("latency", "one every 50 ms", OURS, "p99 ms", Nothing, Below(8.0)),
    // A job that waits for a sweep or a poll is late by anything up to a second and more.
    target("latency", "beside transactions of 1 to 500 ms", OURS, "max ms", Nothing, Below(250.0)),
    target("decay", "inserted at once, snapshot held", OURS, "last÷first", Nothing, AtLeast(0.85)),
    target(
        "decay",
        "inserted at once, snapshot held",
        OURS,
        "jobs/s",
        Case("inserted at once, no snapshot"),
        AtLeast(0.9),
    ),
    target(
        "decay",
        "inserted beside it, snapshot held",
        OURS,
        "last÷first",
        Nothing,
        AtLeast(0.85),
    ),
    target(
        "decay",
        "inserted beside it, snapshot held",
        OURS,
        "jobs/s",
        Case("inserted beside it, no snapshot"),
        AtLeast(0.9),
    ),
    target("backlog", "urgent jobs for tomorrow", OURS, "fetch ms", Case(EMPTY), AtMost(2.0)),
    target("backlog", "running jobs", OURS, "fetch ms", Case(EMPTY), AtMost(2.0)),
    target("backlog", "less urgent jobs that are due", OURS, "fetch ms", Case(EMPTY), AtMost(2.0)),
    // The slowest fetch is a sweep; and sweeps are what makes all of them take more of a core.
    target("backlog", "urgent jobs for tomorrow", OURS, "fetch max ms", Case(EMPTY), AtMost(2.0)),
    target("backlog", "running jobs", OURS, "fetch max ms", Case(EMPTY), AtMost(2.0)),
    target(
        "backlog",
        "less urgent jobs that are due",
        OURS,
        "fetch max ms",
        Case(EMPTY),
        AtMost(2.0),
    ),
    target("backlog", "urgent jobs for tomorrow", OURS, "fetch %", LessCase(EMPTY), AtMost(2.0)),
    target("backlog", "running jobs", OURS, "fetch %", LessCase(EMPTY), AtMost(2.0)),
    target("processes", "8 processes", OURS, "jobs/s", Case("1 process"), AtLeast(1.0)),
    target("queues", "1 queue, idle", OURS, "stmts/s", Nothing, AtMost(0.3)),
    target("queues", "1,000 queues, idle", OURS, "stmts/s", Nothing, AtMost(0.3)),
    target("kill", "nobody killed", OURS, "wall÷ideal", Nothing, AtMost(1.1)),
    target(
        "kill",
        "one of four killed",
        OURS,
        "runs again",
        Nothing,
        AtMost(100.0 + PERMITS as f64),
    ),
];

const EMPTY: &str = "an empty table";

/// A target and whether it was met.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Verdict {
    target: String,
    wanted: String,
    /// Of the rounds that count.
    measured: Option<Spread>,
    rounds: usize,
    /// Rounds that do not count.
    disturbed: usize,
    met: Option<bool>,
}

/// The targets of which everything was measured.
pub(super) fn verdicts(trials: &[Record], contestants: &[About]) -> Vec<Verdict> {
    let measured = Measured { trials, contestants };
    ALL.iter().filter_map(|target| target.judge(&measured)).collect()
}

/// As a table.
pub(super) fn print(styles: Styles, verdicts: &[Verdict]) {
    if verdicts.is_empty() {
        return;
    }
    println!("\n{}", styles.heading("targets"));
    let rows = verdicts.iter().map(|verdict| {
        let measured = verdict.measured.map_or_else(|| "–".to_owned(), spread);
        vec![verdict.target.clone(), verdict.wanted.clone(), measured, verdict.in_words()]
    });
    let head = ["target", "wanted", "median of the rounds", ""];
    let mut lines = lines(styles, &head, 4, rows).into_iter();
    println!("{}", lines.next().unwrap_or_default());
    for (line, verdict) in lines.zip(verdicts) {
        match verdict.met {
            Some(true) => println!("{}", styles.good(&line)),
            Some(false) => println!("{}", styles.bad(&line)),
            None => println!("{line}"),
        }
    }
    let met = verdicts.iter().filter(|verdict| verdict.met == Some(true)).count();
    println!("{met} of {} targets met", verdicts.len());
}

impl Target {
    fn judge(&self, measured: &Measured<'_>) -> Option<Verdict> {
        let (other, name) = self.other(measured)?;
        let rounds = measured.rounds(self.workload, self.case, self.ours);
        let counts = |&&round: &&u32| {
            !matches!(self.by, ContestantIfBareIsFast(_)) || measured.bare_is_fast(self, round)
        };
        let values: Vec<f64> = rounds
            .iter()
            .filter(counts)
            .filter_map(|&round| {
                let ours = measured.value(self, self.case, self.ours, round)?;
                match other {
                    None => Some(ours),
                    Some((case, contestant)) => {
                        let other = measured.value(self, case, contestant, round)?;
                        Some(match self.by {
                            LessCase(_) => ours - other,
                            _ => ours / other,
                        })
                    }
                }
            })
            .collect();
        let spread = Spread::of(values.iter().copied());
        let disturbed = rounds.len() - rounds.iter().filter(counts).count();
        if spread.is_none() && disturbed == 0 {
            return None;
        }
        Some(Verdict {
            target: format!(
                "{}, {}: {} of {}{name}",
                self.workload, self.case, self.metric, self.ours
            ),
            wanted: self.wanted.in_words(),
            measured: spread,
            rounds: values.len(),
            disturbed,
            met: spread.map(|Spread { median, .. }| self.wanted.is_met_by(median)),
        })
    }

    /// The case and the contestant that ours is compared with, and how to say that.
    fn other<'m>(
        &self,
        measured: &'m Measured<'_>,
    ) -> Option<(Option<(&'static str, &'m str)>, String)>
    where
        'static: 'm,
    {
        Some(match self.by {
            Nothing => (None, String::new()),
            Contestant(other) | ContestantIfBareIsFast(other) => {
                (Some((self.case, other)), format!(" ÷ {other}"))
            }
            BestPeer => {
                let best = measured.best_peer(self)?;
                (Some((self.case, best)), format!(" ÷ best peer, {best}"))
            }
            Case(case) => (Some((case, self.ours)), format!(" ÷ {case}")),
            LessCase(case) => (Some((case, self.ours)), format!(" − {case}")),
        })
    }
}

impl Wanted {
    fn is_met_by(self, value: f64) -> bool {
        match self {
            AtLeast(bound) => value >= bound,
            AtMost(bound) => value <= bound,
            Below(bound) => value < bound,
        }
    }

    fn in_words(self) -> String {
        match self {
            AtLeast(bound) => format!("≥ {}", number(bound)),
            AtMost(bound) => format!("≤ {}", number(bound)),
            Below(bound) => format!("< {}", number(bound)),
        }
    }
}

impl Verdict {
    fn in_words(&self) -> String {
        let said = match self.met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "unknown",
        };
        match self.disturbed {
            0 => said.to_owned(),
            rounds => format!(
                "{said}; {rounds} of {} rounds do not count: bare was below {LEAST_OF_BARE} × {GRAPHILE}",
                rounds + self.rounds
            ),
        }
    }
}

struct Measured<'r> {
    trials: &'r [Record],
    contestants: &'r [About],
}

impl Measured<'_> {
    fn value(&self, target: &Target, case: &str, contestant: &str, round: u32) -> Option<f64> {
        let of = |trial: &&Record| {
            (trial.workload, trial.case, trial.round) == (target.workload, case, round)
                && trial.contestant == contestant
        };
        self.trials.iter().find(of)?.values.get(target.metric).copied()
    }

    fn rounds(&self, workload: &str, case: &str, contestant: &str) -> Vec<u32> {
        let of = self.trials.iter().filter(|trial| {
            (trial.workload, trial.case) == (workload, case) && trial.contestant == contestant
        });
        of.map(|trial| trial.round).collect()
    }

    /// Also where one of the two was not measured, because the round is not known to be disturbed then.
    fn bare_is_fast(&self, target: &Target, round: u32) -> bool {
        let bare = self.value(target, target.case, BARE_FORGETTING, round);
        let graphile = self.value(target, target.case, GRAPHILE, round);
        bare.zip(graphile).is_none_or(|(bare, graphile)| bare >= LEAST_OF_BARE * graphile)
    }

    fn best_peer(&self, target: &Target) -> Option<&str> {
        let peers = self.contestants.iter().filter(|about| about.role == Role::Peer);
        let medians = peers.filter_map(|about| {
            let rounds = self.rounds(target.workload, target.case, &about.name);
            let values = rounds
                .iter()
                .filter_map(|&round| self.value(target, target.case, &about.name, round));
            Some((&*about.name, median(values.collect())?))
        });
        let best = match target.wanted {
            AtLeast(_) => medians.max_by(|a, b| a.1.total_cmp(&b.1)),
            AtMost(_) | Below(_) => medians.min_by(|a, b| a.1.total_cmp(&b.1)),
        };
        best.map(|(name, _)| name)
    }
}

#[cfg(test)]
mod tests;
