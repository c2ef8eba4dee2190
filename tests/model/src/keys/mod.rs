//! Limits that hold for each key, and sequences.
//!
//! Modelled are the statements that read or write `gates` and `turns`, as transactions of READ COMMITTED:
//! - A statement reads the rows of its snapshot, taken when it begins. What it locks it sees in the newest version, which
//!   may be younger, and compares with its conditions once more. Locked rows are skipped.
//! - What it inserts, updates and deletes is visible to others from its commit on. An insert of a key waits for those that
//!   insert or delete the same key.
//! - Between two of its steps anything may happen: other statements, ends of transactions that a user holds open, the death
//!   of its process, with the statement or without, the lapse of time.
//!
//! Left out: rates and shares of keys, the text of keys and the order of the ring, more than four jobs, two keys and three
//! processes; two statements of one process at once, which are as those of two; a hand-over that waits for a job; statements
//! of a user that lock gates by hand.

mod begin;
mod commit;
mod events;
mod invariants;
mod locks;
mod rows;
mod rules;
mod scenarios;
mod state;
mod visit;

use crate::{
    search::{Model, Steps, Verdict, fingerprint, search},
    set::Set,
};
use rows::Status;
pub use rules::Rule;
pub use scenarios::{SCENARIOS, Scenario};
use state::State;
use visit::{Asked, Places};

/// As long may a statement have waited for a table before it began.
const WAITED: i8 = 2;

/// The statements in a scenario, with all rules but one at most.
#[derive(Debug)]
struct Keys {
    scenario: &'static Scenario,
    broken: Option<Rule>,
}

/// Looks at the states of a scenario, at most at `limit` of them, with all rules but the broken one.
pub fn check(scenario: &'static Scenario, broken: Option<Rule>, limit: usize) -> Verdict {
    search(&Keys { scenario, broken }, limit)
}

impl Keys {
    fn keeps(&self, rule: Rule) -> bool {
        self.broken != Some(rule)
    }

    fn visits(&self, state: &State, steps: &mut Steps<State>) {
        for process in 0..self.scenario.processes {
            if let Some(visit) = &state.visits[process] {
                if let Some(next) = self.advance(state, process) {
                    steps.add(|| format!("the visit of P{process} {}", visit.phase.words()), next);
                }
            } else if state.processes[process].lives {
                for asked in self.ways_to_ask(state, process) {
                    let next = self.begin(state, process, asked);
                    steps.add(|| format!("P{process} begins a visit{asked}"), next);
                }
            }
        }
    }

    /// The visits that a process may begin.
    fn ways_to_ask(&self, state: &State, process: usize) -> Vec<Asked> {
        let own =
            (0..state.jobs.len()).filter(|&job| state.jobs[job].status == Status::Running(process));
        let own: Set = own.collect();
        let mut ways = Vec::new();
        for &instant in self.instants() {
            let asked = Asked {
                ends: Set::EMPTY,
                places: Places::First,
                permits: self.scenario.permits,
                first: 0,
                instant,
            };
            if state.turns.iter().any(|turn| turn.due_at <= instant) {
                let rings = if self.scenario.permits == 1 { 0..state.gates.len() } else { 0..1 };
                ways.extend(rings.map(|first| Asked { first, ..asked }));
            }
            for ends in own.parts() {
                ways.push(Asked { ends, ..asked });
                if !ends.is_empty() {
                    ways.push(Asked { ends, places: Places::Only, ..asked });
                }
                if self.scenario.keys_take_turns {
                    ways.push(Asked { ends, places: Places::Released, ..asked });
                    ways.push(Asked { ends, permits: 0, ..asked });
                }
            }
        }
        ways
    }

    /// What the clock of a visit may say. The server's clock may be set back by less than a visit looks ahead. The time at
    /// which a statement arrived may be older by as long as it waited for a lock on a table.
    fn instants(&self) -> &'static [i8] {
        match (self.scenario.clocks_go_back, self.keeps(Rule::ReadsTheClockLast)) {
            (false, true) => &[0],
            (true, true) => &[0, -1],
            (_, false) => &[0, -WAITED],
        }
    }
}

impl Model for Keys {
    type State = State;

    fn first(&self) -> State {
        State::of(self.scenario)
    }

    fn steps(&self, state: &State, steps: &mut Steps<State>) {
        self.arrivals(state, steps);
        self.visits(state, steps);
        self.ends(state, steps);
        self.cancels(state, steps);
        self.moves(state, steps);
        Self::operators(state, steps);
        self.changes(state, steps);
        self.deaths(state, steps);
        let changes_by_key = self.keeps(Rule::ChangesByKey);
        steps.states().for_each(|next| next.normalize(changes_by_key));
    }

    fn violation(&self, state: &State) -> Option<String> {
        self.first_violation(state)
    }

    fn show(&self, state: &State) -> String {
        state.to_string()
    }

    /// Two processes that may do the same are alike.
    fn fingerprint(&self, state: &State) -> u64 {
        let print = fingerprint(state);
        if self.scenario.processes == 2 {
            std::cmp::min(print, fingerprint(&state.with_processes_swapped()))
        } else {
            print
        }
    }
}
