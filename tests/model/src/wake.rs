//! How a worker falls asleep, and who wakes it: `mark_idle`, the naps of the poller, and the notifications of statements
//! that write jobs or turns.
//!
//! A worker that finds nothing marks itself, looks once more, and naps as long as it has been quiet. So a transaction that
//! began before the mark is met by a nap that ends after it; the model lets naps go on while one is open. The poll each
//! 30 s is left out: a worker that only it would wake has missed its notification.

use std::fmt;

use crate::search::{Model, Steps, Verdict, search};

/// A rule of waking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// It naps until transactions that began before the mark have ended.
    NapsAfterTheMark,
    /// A statement that writes a turn notifies if a worker is marked.
    NotifiesTheMarked,
    /// A worker that has removed its mark sets it again before it sleeps.
    MarksAgain,
}

impl Rule {
    /// All of them.
    pub const ALL: &[Self] = &[Self::NapsAfterTheMark, Self::NotifiesTheMarked, Self::MarksAgain];
}

/// Two transactions, and one worker.
const WRITERS: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Writer {
    Idle,
    /// Its turn is written and not committed; whether it saw a mark, and whether it began before there was one.
    Open {
        notifies: bool,
        is_older: bool,
    },
    Committed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Worker {
    Awake,
    /// Its last look found nothing.
    FoundNothing,
    /// The mark is written, and visible with its commit.
    Marking,
    Marked,
    Naps,
    Sleeps,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    writers: [Writer; WRITERS],
    worker: Worker,
    is_marked: bool,
    is_notified: bool,
    /// Turns that are due, by the transactions that wrote them.
    due: [bool; WRITERS],
    may_remove_mark: bool,
}

#[derive(Debug)]
struct Wake {
    broken: Option<Rule>,
}

/// Looks at all states, with all rules but the broken one.
pub fn check(broken: Option<Rule>) -> Verdict {
    search(&Wake { broken }, usize::MAX)
}

impl Wake {
    fn keeps(&self, rule: Rule) -> bool {
        self.broken != Some(rule)
    }

    /// A look by the worker: it takes what is due, or finds nothing.
    fn look(state: &State, empty: Worker) -> State {
        let mut next = state.clone();
        let finds = state.due.contains(&true);
        next.due = [false; WRITERS];
        next.worker = if finds { Worker::Awake } else { empty };
        next
    }

    fn worker_steps(&self, state: &State, steps: &mut Steps<State>) {
        match state.worker {
            Worker::Awake => {
                let next = Self::look(state, Worker::FoundNothing);
                steps.add(|| "the worker looks".to_owned(), next);
                if state.is_marked && state.may_remove_mark {
                    let next = State { is_marked: false, may_remove_mark: false, ..state.clone() };
                    steps.add(|| "the worker, which is busy, removes its mark".to_owned(), next);
                }
            }
            Worker::FoundNothing => {
                let knows_mark = if self.keeps(Rule::MarksAgain) {
                    state.is_marked
                } else {
                    state.is_marked || !state.may_remove_mark
                };
                let worker = if knows_mark { Worker::Naps } else { Worker::Marking };
                let words =
                    if knows_mark { "naps, because it is marked" } else { "writes its mark" };
                steps.add(|| format!("the worker {words}"), State { worker, ..state.clone() });
            }
            Worker::Marking => {
                let mut next = State { worker: Worker::Marked, is_marked: true, ..state.clone() };
                for writer in &mut next.writers {
                    if let Writer::Open { is_older, .. } = writer {
                        *is_older = true;
                    }
                }
                steps.add(|| "the mark is committed".to_owned(), next);
            }
            Worker::Marked => {
                let next = Self::look(state, Worker::Naps);
                steps.add(|| "the worker looks once more".to_owned(), next);
            }
            Worker::Naps => {
                let is_older =
                    |writer: &Writer| matches!(writer, Writer::Open { is_older: true, .. });
                let naps_on =
                    state.writers.iter().any(is_older) && self.keeps(Rule::NapsAfterTheMark);
                if naps_on {
                    let next = Self::look(state, Worker::Naps);
                    steps.add(|| "a nap ends with a look".to_owned(), next);
                } else if self.keeps(Rule::NapsAfterTheMark) {
                    let next = Self::look(state, Worker::Sleeps);
                    steps.add(|| "the last nap ends with a look".to_owned(), next);
                } else {
                    let next = State { worker: Worker::Sleeps, ..state.clone() };
                    steps.add(|| "the worker sleeps".to_owned(), next);
                }
            }
            Worker::Sleeps => {}
        }
        if state.is_notified && matches!(state.worker, Worker::Naps | Worker::Sleeps) {
            let next = State { worker: Worker::Awake, is_notified: false, ..state.clone() };
            steps.add(|| "the worker is notified".to_owned(), next);
        }
    }
}

impl Model for Wake {
    type State = State;

    fn first(&self) -> State {
        State {
            writers: [Writer::Idle; WRITERS],
            worker: Worker::Awake,
            is_marked: false,
            is_notified: false,
            due: [false; WRITERS],
            may_remove_mark: true,
        }
    }

    fn steps(&self, state: &State, steps: &mut Steps<State>) {
        for writer in 0..WRITERS {
            let mut next = state.clone();
            match state.writers[writer] {
                Writer::Idle => {
                    let notifies = state.is_marked && self.keeps(Rule::NotifiesTheMarked);
                    next.writers[writer] = Writer::Open { notifies, is_older: !state.is_marked };
                    steps.add(
                        || format!("transaction {writer} writes a turn; it notifies: {notifies}"),
                        next,
                    );
                }
                Writer::Open { notifies, .. } => {
                    next.writers[writer] = Writer::Committed;
                    next.due[writer] = true;
                    next.is_notified |= notifies;
                    steps.add(|| format!("transaction {writer} commits"), next);
                }
                Writer::Committed => {}
            }
        }
        self.worker_steps(state, steps);
    }

    fn violation(&self, state: &State) -> Option<String> {
        let is_lost =
            state.worker == Worker::Sleeps && !state.is_notified && state.due.contains(&true);
        is_lost.then(|| "a turn is due, and nobody wakes the worker".to_owned())
    }

    fn show(&self, state: &State) -> String {
        state.to_string()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.is_marked { "marked" } else { "not marked" };
        write!(f, "the worker {:?}, and is {mark}; transactions: {:?}", self.worker, self.writers)
    }
}
