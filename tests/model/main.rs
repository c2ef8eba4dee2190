//! Searches all orders in which the statements of limits may meet, in small configurations. The models are in
//! `tests/model/src`, a package of its own, so that they are compiled with optimizations.
//!
//! Without any of its rules the search must find a violation. To read the shortest way to each:
//!
//! ```sh
//! cargo test --test model -- --nocapture --test-threads 1
//! ```
//!
//! The short form looks at all states of the small scenarios, or at the first hundred thousand. The long form takes
//! large ones too, for some minutes:
//!
//! ```sh
//! SIMPLE_QUEUE_MODEL=full cargo test --test model -- --nocapture --test-threads 1
//! ```

use model::{
    keys::{self, Rule, SCENARIOS, Scenario},
    quotas,
    search::Verdict,
    wake,
};

/// 100,000 states of a scenario in the short form, and two million in the long one, which take a gigabyte.
const MOST_STATES: (usize, usize) = (100_000, 2_000_000);

fn is_full() -> bool {
    std::env::var("SIMPLE_QUEUE_MODEL").is_ok_and(|form| form == "full")
}

fn most_states() -> usize {
    if is_full() { MOST_STATES.1 } else { MOST_STATES.0 }
}

fn scenario(name: &str) -> &'static Scenario {
    let found = SCENARIOS.iter().find(|scenario| scenario.name() == name);
    found.expect("each test names a scenario of the list")
}

fn holds(name: &str, verdict: &Verdict) {
    match verdict {
        Verdict::Holds { states } => println!("{name}: holds in all {states} states"),
        Verdict::HoldsSoFar { states } => println!("{name}: holds in the first {states} states"),
        Verdict::Violated(trace) => panic!("{name}: {trace}"),
    }
}

fn is_violated(rule: &str, verdict: &Verdict) {
    match verdict {
        Verdict::Violated(trace) => println!("without {rule}: {trace}"),
        verdict => panic!("without {rule} nothing is violated: {verdict:?}"),
    }
}

/// A part of the scenarios, so that the parts run at once.
fn hold(part: usize) {
    let scenarios = SCENARIOS.iter().filter(|scenario| is_full() || !scenario.is_large());
    for scenario in scenarios.skip(part).step_by(2) {
        holds(scenario.name(), &keys::check(scenario, None, most_states()));
    }
}

#[test]
fn limits_of_keys_hold_whatever_statements_meet() {
    hold(0);
}

#[test]
fn limits_of_keys_hold_whatever_other_statements_meet() {
    hold(1);
}

/// A test for each rule: without it a violation is found in the scenario.
macro_rules! each_rule_is_needed {
    ($($test:ident: $rule:ident, $scenario:literal;)*) => {
        $(
            #[test]
            fn $test() {
                let verdict = keys::check(scenario($scenario), Some(Rule::$rule), MOST_STATES.1);
                is_violated(stringify!($rule), &verdict);
            }
        )*

        #[test]
        fn every_rule_has_a_test() {
            assert_eq!(Rule::ALL, [$(Rule::$rule),*]);
        }
    };
}

each_rule_is_needed! {
    locked_rows_are_changed_by_key: ChangesByKey, "a run that is given back";
    places_are_counted_for_what_is_claimed: CountsWhatItClaims, "a process that is declared dead";
    full_keys_are_marked: MarksFullKeys, "arrivals";
    a_visit_looks_once_more: LooksOnceMore, "arrivals";
    a_visit_looks_once_more_in_new_gates: LooksOnceMoreInNewGates, "arrivals at a limit of two";
    an_end_heeds_the_mark: HeedsTheMark, "arrivals";
    a_visit_looks_ahead: LooksAhead, "clocks that are set back";
    a_visit_looks_in_all_lanes: LooksInAllLanes, "clocks that are set back, and priorities";
    the_clock_is_read_last: ReadsTheClockLast, "clocks that are set back";
    idle_turns_are_taken: TakesIdleTurns, "arrivals";
    empty_gates_are_deleted: DeletesEmptyGates, "arrivals";
    gates_are_deleted_last: DeletesLast, "two keys, two jobs each";
    a_sequence_runs_the_first_or_none: RunsTheFirstOrNone, "a sequence";
    a_locked_job_is_compared: ComparesTheLockedJob, "a sequence whose job gets another key";
    a_returned_job_releases_its_place: ReleasesOnReturn, "a process that dies";
    a_cancelled_job_moves_its_release: MovesTheRelease, "a sequence with a cancelled job";
    a_cancellation_looks_again: LooksAgainAfterWaiting, "a sequence with a cancelled job";
    a_moved_job_has_a_turn: TurnsForMovedJobs, "jobs that get another key";
    a_limit_is_raised_in_two_commits: RaisesInTwoCommits, "a raised limit";
    owed_turns_are_written_off_once_seen: PaysOnlyWhatItSaw, "a key that is paused";
    a_turn_waits_for_a_locked_job: WaitsForLockedJobs, "cancellations at a limit of two";
    a_turn_of_a_new_key_waits_for_a_locked_job: WaitsForLockedJobsOfNewKeys, "cancellations";
    turns_are_taken_under_the_lock: TakesTurnsUnderLock, "arrivals";
    locked_gates_are_skipped: SkipsLockedGates, "two keys";
    a_claim_locks_its_process: LocksItsProcess, "a process that is declared dead";
}

#[test]
fn a_sleeping_worker_is_woken_by_every_statement_that_writes_a_turn() {
    holds("a worker falls asleep", &wake::check(None));
    for &rule in wake::Rule::ALL {
        is_violated(&format!("{rule:?}"), &wake::check(Some(rule)));
    }
}

#[test]
fn permits_are_lent_once_and_those_that_want_some_are_told() {
    for scenario in quotas::SCENARIOS {
        holds(scenario.name(), &quotas::check(scenario, None, most_states()));
    }
}

#[test]
fn each_rule_of_lending_is_needed() {
    use quotas::Rule;
    const NEEDED: &[(Rule, &str)] = &[
        (Rule::CountsUnderTheLock, "permits"),
        (Rule::NumbersItsStatements, "lost answers"),
        (Rule::HandsInFirst, "permits"),
        (Rule::AsksAgain, "lost answers"),
        (Rule::ForgetsWithItsRow, "processes that die"),
        (Rule::TakesBackFromTheDead, "processes that die"),
        (Rule::HearsWhileItAsks, "lost answers"),
        (Rule::NotifiesOfPermits, "permits"),
        (Rule::NotifiesOnceSatisfied, "lost answers"),
        (Rule::NotifiesOfWants, "permits"),
    ];
    let rules: Vec<Rule> = NEEDED.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(rules, Rule::ALL);
    for &(rule, name) in NEEDED {
        let scenario = quotas::SCENARIOS.iter().find(|scenario| scenario.name() == name);
        let verdict = quotas::check(scenario.unwrap(), Some(rule), MOST_STATES.1);
        is_violated(&format!("{rule:?}"), &verdict);
    }
}
