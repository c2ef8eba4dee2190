//! Which jobs, processes and events there are. Each scenario is small enough for all its states, or most of them.

use super::rows::{Events, Time};

/// A job of a scenario.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JobPlan {
    pub(crate) gate: usize,
    /// It is enqueued at any time; otherwise it is there from the beginning.
    pub(crate) comes_later: bool,
    pub(crate) due_in: Time,
    pub(crate) lane: u8,
}

/// What is there in the beginning, and what may happen.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) processes: usize,
    pub(crate) jobs: &'static [JobPlan],
    pub(crate) most: i8,
    pub(crate) permits: i8,
    pub(crate) in_order: bool,
    pub(crate) events: Events,
    /// Limits that are set one after another.
    pub(crate) changes: &'static [i8],
    /// Visits may hand nothing over, or have no permits.
    pub(crate) keys_take_turns: bool,
    pub(crate) clocks_go_back: bool,
    /// How far the look for a job that was not taken sees ahead.
    pub(crate) ahead: Time,
    /// It is too large for the short form.
    pub(crate) is_large: bool,
}

const THERE: JobPlan = JobPlan { gate: 0, comes_later: false, due_in: 0, lane: 0 };
const LATER: JobPlan = JobPlan { comes_later: true, ..THERE };
const OTHER: JobPlan = JobPlan { gate: 1, ..THERE };
const OTHER_LATER: JobPlan = JobPlan { comes_later: true, ..OTHER };

const NOTHING: Events = Events {
    retries: 0,
    returns: 0,
    failures: 0,
    job_txs: 0,
    cancels: 0,
    moves: 0,
    burials: 0,
    crashes: 0,
};

const SMALL: Scenario = Scenario {
    name: "",
    processes: 2,
    jobs: &[THERE, LATER],
    most: 1,
    permits: 2,
    in_order: false,
    events: NOTHING,
    changes: &[],
    keys_take_turns: false,
    clocks_go_back: false,
    ahead: 1,
    is_large: false,
};

const LARGE: Scenario = Scenario { is_large: true, ..SMALL };

/// All of them.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "arrivals", jobs: &[THERE, LATER, LATER], ..SMALL },
    Scenario { name: "arrivals at a limit of two", jobs: &[THERE, LATER, LATER], most: 2, ..SMALL },
    Scenario {
        name: "more arrivals at a limit of two",
        jobs: &[THERE, LATER, LATER, LATER],
        most: 2,
        ..LARGE
    },
    Scenario { name: "three processes", processes: 3, jobs: &[THERE, LATER], ..SMALL },
    Scenario {
        name: "three processes, three jobs",
        processes: 3,
        jobs: &[THERE, LATER, LATER],
        ..LARGE
    },
    Scenario {
        name: "three processes at a limit of two",
        processes: 3,
        jobs: &[THERE, LATER],
        most: 2,
        ..LARGE
    },
    Scenario { name: "two keys", jobs: &[THERE, OTHER, LATER], ..SMALL },
    Scenario { name: "two keys, four jobs", jobs: &[THERE, OTHER, LATER, OTHER_LATER], ..LARGE },
    Scenario { name: "two keys, two jobs each", jobs: &[OTHER, OTHER, LATER, LATER], ..LARGE },
    Scenario {
        name: "two keys with one permit",
        jobs: &[THERE, OTHER, LATER],
        permits: 1,
        ..SMALL
    },
    Scenario {
        name: "runs that are given back",
        events: Events { returns: 2, ..NOTHING },
        most: 2,
        jobs: &[THERE, LATER, LATER],
        ..LARGE
    },
    Scenario {
        name: "a run that is given back",
        events: Events { returns: 1, ..NOTHING },
        ..SMALL
    },
    Scenario { name: "retries", events: Events { retries: 1, ..NOTHING }, ..SMALL },
    Scenario {
        name: "retries at a limit of two",
        events: Events { retries: 2, ..NOTHING },
        most: 2,
        jobs: &[THERE, THERE, LATER],
        ..LARGE
    },
    Scenario {
        name: "transactions of jobs",
        events: Events { job_txs: 1, returns: 1, ..NOTHING },
        ..SMALL
    },
    Scenario {
        name: "transactions of jobs at a limit of two",
        events: Events { job_txs: 2, returns: 1, ..NOTHING },
        most: 2,
        jobs: &[THERE, THERE, LATER],
        ..LARGE
    },
    Scenario {
        name: "a process that is declared dead",
        events: Events { burials: 1, ..NOTHING },
        ..SMALL
    },
    Scenario { name: "a process that dies", events: Events { crashes: 1, ..NOTHING }, ..SMALL },
    Scenario {
        name: "a dead process whose transaction is open",
        events: Events { burials: 1, job_txs: 1, ..NOTHING },
        jobs: &[THERE, THERE, LATER],
        ..LARGE
    },
    Scenario {
        name: "deaths at a limit of two",
        events: Events { crashes: 1, returns: 1, ..NOTHING },
        most: 2,
        jobs: &[THERE, THERE, LATER],
        ..LARGE
    },
    Scenario {
        name: "cancellations",
        events: Events { cancels: 1, ..NOTHING },
        jobs: &[THERE, LATER],
        ..SMALL
    },
    Scenario {
        name: "cancellations at a limit of two",
        events: Events { cancels: 2, ..NOTHING },
        jobs: &[THERE, LATER, LATER],
        most: 2,
        ..LARGE
    },
    Scenario {
        name: "jobs that get another key",
        events: Events { moves: 1, ..NOTHING },
        jobs: &[THERE, LATER],
        ..SMALL
    },
    Scenario {
        name: "two jobs that get another key",
        events: Events { moves: 2, ..NOTHING },
        jobs: &[THERE, OTHER, LATER],
        ..LARGE
    },
    Scenario { name: "a raised limit", changes: &[2], jobs: &[LATER, LATER], ..SMALL },
    Scenario {
        name: "a raised limit, three jobs",
        changes: &[2],
        jobs: &[LATER, LATER, LATER],
        ..LARGE
    },
    Scenario {
        name: "a limit that is lowered",
        changes: &[1],
        most: 2,
        keys_take_turns: true,
        jobs: &[THERE, THERE, LATER],
        ..LARGE
    },
    Scenario { name: "a key that is paused", changes: &[0, 1], jobs: &[LATER, LATER], ..SMALL },
    Scenario {
        name: "visits that hand nothing over",
        keys_take_turns: true,
        jobs: &[THERE, LATER, LATER],
        ..SMALL
    },
    Scenario {
        name: "visits that hand nothing over at a limit of two",
        keys_take_turns: true,
        jobs: &[THERE, LATER, LATER],
        most: 2,
        events: Events { returns: 1, ..NOTHING },
        ..LARGE
    },
    Scenario {
        name: "clocks that are set back",
        clocks_go_back: true,
        jobs: &[THERE, LATER],
        ..SMALL
    },
    Scenario {
        name: "clocks that are set back at a limit of two",
        clocks_go_back: true,
        most: 2,
        jobs: &[THERE, LATER, LATER],
        ..LARGE
    },
    Scenario {
        name: "clocks that are set back, and priorities",
        clocks_go_back: true,
        ahead: 3,
        jobs: &[JobPlan { due_in: 2, ..THERE }, JobPlan { lane: 1, ..LATER }],
        ..SMALL
    },
    Scenario {
        name: "priorities",
        jobs: &[JobPlan { lane: 1, ..THERE }, LATER, JobPlan { lane: 1, ..LATER }],
        ..SMALL
    },
    Scenario { name: "a sequence", in_order: true, jobs: &[THERE, THERE, LATER], ..SMALL },
    Scenario {
        name: "a sequence of three processes",
        in_order: true,
        processes: 3,
        jobs: &[THERE, THERE, THERE],
        ..LARGE
    },
    Scenario {
        name: "a sequence with retries",
        in_order: true,
        events: Events { retries: 1, ..NOTHING },
        jobs: &[THERE, LATER],
        ..SMALL
    },
    Scenario {
        name: "a sequence with retries, three jobs",
        in_order: true,
        events: Events { retries: 2, ..NOTHING },
        jobs: &[THERE, THERE, LATER],
        ..LARGE
    },
    Scenario {
        name: "a sequence with a cancelled job",
        in_order: true,
        events: Events { retries: 1, cancels: 1, ..NOTHING },
        jobs: &[THERE, THERE],
        ..SMALL
    },
    Scenario {
        name: "a sequence with two cancelled jobs",
        in_order: true,
        events: Events { retries: 1, cancels: 2, ..NOTHING },
        jobs: &[THERE, THERE, LATER],
        ..LARGE
    },
    Scenario {
        name: "a sequence whose job gets another key",
        in_order: true,
        events: Events { moves: 1, ..NOTHING },
        jobs: &[THERE, THERE],
        ..SMALL
    },
    Scenario {
        name: "a sequence that halts",
        in_order: true,
        events: Events { failures: 1, retries: 1, ..NOTHING },
        jobs: &[THERE, LATER],
        ..SMALL
    },
    Scenario {
        name: "a sequence that halts, with a cancelled job",
        in_order: true,
        events: Events { failures: 1, retries: 1, cancels: 1, ..NOTHING },
        jobs: &[THERE, LATER, LATER],
        ..LARGE
    },
    Scenario {
        name: "a sequence whose process dies",
        in_order: true,
        events: Events { crashes: 1, retries: 1, ..NOTHING },
        jobs: &[THERE, LATER],
        ..SMALL
    },
    Scenario {
        name: "a sequence whose process is declared dead",
        in_order: true,
        events: Events { burials: 1, retries: 1, returns: 1, ..NOTHING },
        jobs: &[THERE, THERE, LATER],
        ..LARGE
    },
    Scenario {
        name: "everything at once",
        events: Events { returns: 1, cancels: 1, job_txs: 1, burials: 1, ..NOTHING },
        most: 2,
        jobs: &[THERE, OTHER_LATER, LATER],
        ..LARGE
    },
];

impl Scenario {
    /// What it is about.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it is left to the long form.
    pub const fn is_large(&self) -> bool {
        self.is_large
    }
}
