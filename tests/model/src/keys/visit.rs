//! A statement `visit_gates`, `visit_sequences` or `hand_over` that is under way.

use std::fmt;

use super::rows::{GATES, JOBS, Time};
use crate::set::Set;

/// What the process wants of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    /// The runs that it completes.
    pub(crate) ends: Set,
    pub(crate) places: Places,
    pub(crate) permits: i8,
    /// The gate at which its ring begins.
    pub(crate) first: usize,
    /// What the clock says.
    pub(crate) instant: Time,
}

/// What becomes of the places of the completed runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Places {
    /// Next jobs of their keys take them over, then other keys are visited.
    First,
    /// Next jobs of their keys take them over, and no gate is locked: `hand_over`.
    Only,
    /// Other keys have their turn.
    Released,
}

/// What a statement does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    CompletesRuns,
    LocksDryGates,
    /// Up to the gate of this position in the ring, only if gates are waited for.
    LocksGates(usize),
    MakesGates(usize),
    Commits,
}

/// A statement in progress. What it does not need any more is cleared, so that states become alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Visit {
    pub(crate) phase: Phase,
    pub(crate) asked: Asked,
    /// The snapshot: jobs of each gate that are due, or will be soon, and when.
    pub(crate) due: [Set; GATES],
    pub(crate) soon: [Set; GATES],
    pub(crate) run_at: [Time; JOBS],
    /// The gates that have rows, those whose keys keep places, and those with turns.
    pub(crate) known: Set,
    pub(crate) keeps: Set,
    pub(crate) turns_now: Set,
    pub(crate) turns_later: Set,
    pub(crate) most: i8,
    /// Whether the process has a row: in the snapshot, then as it was locked.
    pub(crate) has_row: bool,
    pub(crate) has_locked_process: bool,
    /// What was locked.
    pub(crate) completed: Set,
    /// The gates of the completed runs.
    pub(crate) freed: Set,
    pub(crate) handed: [Set; GATES],
    pub(crate) picked: [Set; GATES],
    /// Jobs of a sequence that the snapshot has before a job that was picked.
    pub(crate) passed: Set,
    pub(crate) back: [i8; GATES],
    pub(crate) dry: Set,
    pub(crate) locked: Set,
    pub(crate) fresh: Set,
    pub(crate) made: Set,
    pub(crate) released: [i8; GATES],
    pub(crate) free: [i8; GATES],
    /// When a job of the gate that was not taken may start.
    pub(crate) again: [Option<Time>; GATES],
    pub(crate) all_permits_used: bool,
    /// Jobs whose locked version is younger than the snapshot.
    pub(crate) changed: Set,
}

impl Visit {
    pub(crate) fn tick(&mut self, pass: impl Fn(&mut Time)) {
        pass(&mut self.asked.instant);
        self.run_at.iter_mut().for_each(&pass);
        self.again.iter_mut().flatten().for_each(pass);
    }

    /// The statement has read all that its snapshot shows.
    pub(crate) fn forget_snapshot(&mut self) {
        (self.due, self.soon, self.run_at) = Default::default();
        (self.known, self.keeps, self.turns_now, self.turns_later) = Default::default();
        (self.freed, self.asked.ends) = (Set::EMPTY, Set::EMPTY);
        (self.asked.first, self.asked.permits) = (0, 0);
        if self.dry.is_empty() {
            self.asked.places = Places::First;
        }
    }

    /// Whether it will take turns of a gate by its snapshot.
    pub(crate) fn will_take_turns(&self, gate: usize) -> bool {
        let is_past = matches!(self.phase, Phase::MakesGates(_) | Phase::Commits);
        !is_past && (self.turns_now.has(gate) || self.turns_later.has(gate)) || self.fresh.has(gate)
    }
}

impl Phase {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::CompletesRuns => "completes runs, and hands their places over",
            Self::LocksDryGates => "locks the gates of keys without a next job",
            Self::LocksGates(_) => "locks gates, takes their turns, and picks jobs",
            Self::MakesGates(_) => "makes gates",
            Self::Commits => "counts, writes turns, and commits",
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.ends.is_empty() {
            write!(f, " that completes {:?}", self.ends.iter().collect::<Vec<_>>())?;
        }
        match self.places {
            Places::First => {}
            Places::Only => write!(f, ", visits no other key")?,
            Places::Released => write!(f, ", hands nothing over")?,
        }
        if self.instant < 0 {
            write!(f, ", with a clock {} behind", -self.instant)?;
        }
        write!(f, ", with {} permits", self.permits)
    }
}

impl Visit {
    pub(crate) fn locks_dry_gates(&self) -> bool {
        self.asked.places != Places::Only
    }

    /// The permits that are left for other keys.
    pub(crate) fn rest(&self) -> i8 {
        self.asked.permits - self.handed.iter().map(|jobs| jobs.len()).sum::<i8>()
    }

    /// The gates to visit, in the order of the ring: as many as permits are left.
    pub(crate) fn wanted(&self) -> Vec<usize> {
        let rest = usize::try_from(self.rest()).unwrap_or(0);
        let ring = (0..GATES).map(|step| (self.asked.first + step) % GATES);
        let ring = ring.filter(|&gate| self.turns_now.has(gate)).take(rest);
        let later = self.turns_later.without(self.turns_now).iter().take(rest);
        ring.chain(later).filter(|gate| !self.freed.has(*gate)).collect()
    }

    /// Whether others can tell the next step from none.
    pub(crate) fn has_something_to_do(&self) -> bool {
        match self.phase {
            Phase::LocksDryGates => {
                self.locks_dry_gates() && self.back.iter().any(|&places| places > 0)
            }
            Phase::LocksGates(_) => !self.wanted().is_empty(),
            Phase::MakesGates(from) => self.next_new_gate(from).is_some(),
            Phase::CompletesRuns | Phase::Commits => true,
        }
    }

    pub(crate) fn next_new_gate(&self, from: usize) -> Option<usize> {
        (from..GATES).find(|&gate| self.fresh.has(gate) && !self.picked[gate].is_empty())
    }
}
