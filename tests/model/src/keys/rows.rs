//! The rows that statements read and write, and who does not see their newest versions.

use crate::set::Set;

/// Ticks from the present moment on.
pub(crate) type Time = i8;

/// Null in the table: due in any case.
pub(crate) const AT_ONCE: Time = Time::MIN;
/// Infinity: when an operator says so.
pub(crate) const NEVER: Time = Time::MAX;
/// Times further in the past are alike.
pub(crate) const PAST: Time = -2;

pub(crate) const JOBS: usize = 4;
pub(crate) const GATES: usize = 2;
pub(crate) const PROCESSES: usize = 3;

/// Transactions beside the visits, which have the numbers of their processes.
pub(crate) const CANCEL: usize = 3;
pub(crate) const PAYERS: [usize; 2] = [4, 5];
pub(crate) const JOB_TX: usize = 6;
pub(crate) const MOVE: usize = 7;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    /// It is not enqueued yet.
    Absent,
    Waiting,
    Running(usize),
    /// It failed for good, and may be redriven.
    Dead,
    /// It is done, or cancelled.
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Job {
    pub(crate) status: Status,
    /// `None`: it has no key any more.
    pub(crate) gate: Option<usize>,
    pub(crate) run_at: Time,
    pub(crate) locked_by: Option<usize>,
    /// Statements whose snapshots do not have this version.
    pub(crate) newer_than: Set,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Gate {
    pub(crate) exists: bool,
    pub(crate) running: i8,
    pub(crate) waiting: bool,
    pub(crate) locked_by: Option<usize>,
    pub(crate) inserted_by: Option<usize>,
    pub(crate) deleted_by: Option<usize>,
    /// Statements whose snapshots do not have this version.
    pub(crate) newer_than: Set,
    /// Statements whose snapshots have a row that was deleted since.
    pub(crate) replaced_for: Set,
}

/// Turns are never updated, so those with equal values are one and the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Turn {
    pub(crate) gate: usize,
    pub(crate) due_at: Time,
    pub(crate) released: i8,
    pub(crate) job: Option<usize>,
    pub(crate) locked_by: Option<usize>,
    /// Statements whose snapshots do not have it.
    pub(crate) unseen_by: Set,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Limit {
    pub(crate) most: i8,
    pub(crate) turns_owed: bool,
    /// Statements whose snapshots do not have this version.
    pub(crate) newer_than: Set,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) lives: bool,
    pub(crate) has_row: bool,
    /// The reaper has locked its row.
    pub(crate) reaped: bool,
}

/// A cancellation in an open transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Cancel {
    pub(crate) job: usize,
    pub(crate) has_locked: bool,
}

/// A statement that replaces a waiting job, in an open transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Move {
    pub(crate) job: usize,
    pub(crate) to: Option<usize>,
}

/// A statement that writes the turns that are owed. Or, if the rule is broken, one that raises the limit too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Payer {
    /// The gates that have jobs in its snapshot.
    pub(crate) gates: Set,
    pub(crate) raises_to: Option<i8>,
}

/// What must not happen in a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    Overtaken,
    Exceeded,
}

/// What may still happen, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Events {
    /// Runs that fail and are tried again.
    pub(crate) retries: u8,
    /// Runs that are given back.
    pub(crate) returns: u8,
    /// Runs that fail for good.
    pub(crate) failures: u8,
    /// Runs that end in a transaction of their own.
    pub(crate) job_txs: u8,
    pub(crate) cancels: u8,
    /// Waiting jobs that get another key.
    pub(crate) moves: u8,
    /// Processes that are declared dead, alive or not.
    pub(crate) burials: u8,
    /// Processes that die, with their statement or after it.
    pub(crate) crashes: u8,
}

/// Whether something is due at an instant.
pub(crate) const fn is_due(time: Time, instant: Time) -> bool {
    time <= instant
}
