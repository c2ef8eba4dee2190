//! Verdicts over figures that are made up.

use super::*;
use crate::measure::Values;

fn trial(
    (workload, case): (&'static str, &'static str),
    contestant: &str,
    round: u32,
    (metric, value): (&'static str, f64),
) -> Record {
    let (contestant, size) = (contestant.to_owned(), String::new());
    let values = Values::from([(metric, value)]);
    Record { workload, case, size, contestant, round, values, error: None }
}

/// One round of a drain.
fn drain(round: u32, rates: [(&str, f64); 3]) -> Vec<Record> {
    let trial = |(name, rate)| trial(("drain", "one process"), name, round, ("jobs/s", rate));
    rates.map(trial).into()
}

fn peer(name: &'static str) -> About {
    let text = std::borrow::Cow::Borrowed;
    About {
        name: text(name),
        version: text(""),
        settings: text(""),
        role: Role::Peer,
        history: true,
        without_history_of: None,
        suits: crate::contestant::Suits::Everything,
        many_queues: false,
        limits: false,
        transactions: false,
        recovers: false,
        count_left: text(""),
        count_kept: None,
        claim_all: None,
        fetch: text(""),
    }
}

#[test]
fn a_target_of_which_nothing_was_measured_is_left_out() {
    assert!(verdicts(&[], &[]).is_empty());
    let alone = trial(("drain", "one process"), OURS, 0, ("jobs/s", 1.0));
    assert!(verdicts(&[alone], &[]).is_empty());
}

#[test]
fn a_target_is_judged_by_the_median_of_ratios_within_rounds() {
    let trials = [(0, 10.0), (1, 16.0), (2, 20.0)]
        .map(|(round, rate)| drain(round, [(OURS, rate), (GRAPHILE, 10.0), (BARE, 1.0)]))
        .concat();
    let [verdict] = &*verdicts(&trials, &[]) else { panic!("one target") };
    assert_eq!(verdict.measured, Some(Spread { median: 1.6, least: 1.0, most: 2.0 }));
    assert_eq!((verdict.met, verdict.wanted.as_str()), (Some(true), "≥ 1.50"));
}

#[test]
fn a_round_in_which_bare_is_slow_does_not_count() {
    let rates = |bare| [(FORGETTING, 9.0), (GRAPHILE, 10.0), (BARE_FORGETTING, bare)];
    let trials = [drain(0, rates(30.0)), drain(1, rates(24.0))].concat();
    let verdicts = verdicts(&trials, &[]);
    assert_eq!(verdicts.len(), 2, "by graphile_worker and by bare");
    assert_eq!(verdicts[0].met, Some(false));
    assert_eq!(verdicts[1].measured.map(|spread| spread.median), Some(0.3));
    assert!(verdicts[1].in_words().starts_with("missed; 1 of 2 rounds do not count"));
}

#[test]
fn a_target_without_a_round_that_counts_is_neither_met_nor_missed() {
    let trials = drain(0, [(FORGETTING, 90.0), (GRAPHILE, 10.0), (BARE_FORGETTING, 20.0)]);
    let verdicts = verdicts(&trials, &[]);
    assert!(verdicts.iter().all(|verdict| verdict.met.is_none()));
    assert!(verdicts[0].in_words().starts_with("unknown; 1 of 1"));
}

#[test]
fn the_best_peer_is_the_fastest_or_the_promptest() {
    let peers = [peer("slow"), peer("fast")];
    let enqueue = |name, rate| trial(("enqueue", "one at a time"), name, 0, ("jobs/s", rate));
    let latency = |name, ms| trial(("latency", "one every 50 ms"), name, 0, ("p50 ms", ms));
    let trials = [
        enqueue(OURS, 24.0),
        enqueue("slow", 10.0),
        enqueue("fast", 20.0),
        latency(OURS, 2.0),
        latency("slow", 4.0),
        latency("fast", 1.0),
    ];
    let [rate, late] = &*verdicts(&trials, &peers) else { panic!("two targets") };
    assert!(rate.target.ends_with("best peer, fast") && late.target.ends_with("best peer, fast"));
    assert_eq!((rate.met, late.met), (Some(true), Some(false)));
}

#[test]
fn ours_is_compared_with_itself_in_another_case() {
    let trials = [("1 process", 10.0), ("8 processes", 9.0)]
        .map(|(case, rate)| trial(("processes", case), OURS, 0, ("jobs/s", rate)));
    let [verdict] = &*verdicts(&trials, &[]) else { panic!("one target") };
    assert_eq!(verdict.met, Some(false));
    assert_eq!(verdict.measured.map(|spread| spread.median), Some(0.9));
    let share = |case, value| trial(("backlog", case), OURS, 0, ("fetch %", value));
    let trials = [share(EMPTY, 1.0), share("running jobs", 3.0)];
    let [verdict] = &*verdicts(&trials, &[]) else { panic!("one target") };
    assert_eq!(
        (verdict.met, verdict.measured.map(|spread| spread.median)),
        (Some(true), Some(2.0))
    );
}

#[test]
fn a_limit_itself_is_not_below_it() {
    let case = ("latency", "one every 50 ms");
    let p99 = |ms| verdicts(&[trial(case, OURS, 0, ("p99 ms", ms))], &[])[0].met;
    assert_eq!((p99(7.9), p99(8.0)), (Some(true), Some(false)));
    let again = |runs| {
        let case = ("kill", "one of four killed");
        verdicts(&[trial(case, OURS, 0, ("runs again", runs))], &[])[0].met
    };
    assert_eq!((again(125.0), again(126.0)), (Some(true), Some(false)));
}
