//! Whether jobs that fall short of a limit are due.
//!
//! A fetch leaves out jobs without permits, so it cannot tell. Permits and tokens are wanted only for due jobs:
//! otherwise idle processes would take them from each other without end.

use std::time::{Duration, Instant};

use crate::store::{Demand, DueLook};

/// 100 ms, lower bound between two looks for due jobs of one limit.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Jobs of a process that a limit keeps from starting.
#[derive(Debug, Clone)]
pub(super) struct Short {
    /// How many of them could start by the process's own permits.
    pub(super) wanted: usize,
    /// Where they wait.
    pub(super) demands: Vec<Demand>,
}

/// What is known about due jobs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search {
    state: State,
    looked_at: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is to be looked for before a fetch falls short.
    Rests,
    /// To look at this moment.
    At(Instant),
    /// Some were found.
    FoundDue,
}

impl Search {
    pub(super) fn new() -> Self {
        Self { state: State::Rests, looked_at: None }
    }

    /// A fetch fell short: looks soon, unless due jobs are known.
    pub(super) fn begin(&mut self, now: Instant) {
        if !self.found_due() {
            let earliest = self.looked_at.map_or(now, |looked| looked + BETWEEN_LOOKS);
            self.state = State::At(std::cmp::max(earliest, now));
        }
    }

    pub(super) fn looked(&mut self, found: DueLook, now: Instant) {
        self.looked_at = Some(now);
        self.state = match found {
            DueLook::Now => State::FoundDue,
            DueLook::Later(Some(wait)) => State::At(now + std::cmp::max(wait, BETWEEN_LOOKS)),
            DueLook::Later(None) => State::Rests,
        };
    }

    /// What was known is used up.
    pub(super) fn rest(&mut self) {
        self.state = State::Rests;
    }

    pub(super) fn found_due(&self) -> bool {
        self.state == State::FoundDue
    }

    /// When to look, if there is a reason.
    pub(super) fn at(&self) -> Option<Instant> {
        match self.state {
            State::At(at) => Some(at),
            State::Rests | State::FoundDue => None,
        }
    }
}
