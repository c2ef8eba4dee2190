//! What keeps limits for each key right beside other transactions. Each rule can be broken.

use std::fmt;

/// A rule that the statements keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// What a statement has locked it changes by primary key, never by ctid: the version that it locked may be younger
    /// than its snapshot.
    ChangesByKey,
    /// A place is counted only for a job that can be claimed: nothing is picked for a process without a row.
    CountsWhatItClaims,
    /// A visit that leaves a key full, and a job of it waiting, marks the gate.
    MarksFullKeys,
    /// A visit that leaves a key with room looks for a job that it did not take, and leaves a turn.
    LooksOnceMore,
    /// The same for a gate that the visit has just made.
    LooksOnceMoreInNewGates,
    /// The end of a run in a marked gate leaves a turn.
    HeedsTheMark,
    /// The look for a job that was not taken sees jobs that are due soon.
    LooksAhead,
    /// Of the jobs that are due soon, the first one counts, whatever their priorities.
    LooksInAllLanes,
    /// The clock is read after the snapshot was taken.
    ReadsTheClockLast,
    /// A turn of a key without a job to start is taken away.
    TakesIdleTurns,
    /// A gate without a place in use is deleted.
    DeletesEmptyGates,
    /// Gates are deleted after all new ones are inserted.
    DeletesLast,
    /// A sequence runs its first job or none.
    RunsTheFirstOrNone,
    /// The first job of a sequence is compared once more when its row is locked.
    ComparesTheLockedJob,
    /// A job that leaves its process without an end releases its place, once.
    ReleasesOnReturn,
    /// The release of a job that waits in a sequence names the job, and is moved when the job is cancelled.
    MovesTheRelease,
    /// A cancellation that waited for the job's row looks for the release with a new snapshot.
    LooksAgainAfterWaiting,
    /// A statement that gives a job another key writes a turn of that key.
    TurnsForMovedJobs,
    /// A raised limit is committed before the turns that it owes are written.
    RaisesInTwoCommits,
    /// The turns that are owed are written off only if the limit has not changed since the snapshot.
    PaysOnlyWhatItSaw,
    /// A turn that is left because a job's row is locked is due a moment later.
    WaitsForLockedJobs,
    /// The same for a key that has no gate: its turn is replaced by one that is due a moment later.
    WaitsForLockedJobsOfNewKeys,
    /// A turn is taken only under the lock of its gate.
    TakesTurnsUnderLock,
    /// Gates that another statement has locked are left out, not waited for.
    SkipsLockedGates,
    /// A claim holds the row of its process.
    LocksItsProcess,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Rule {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::ChangesByKey,
        Self::CountsWhatItClaims,
        Self::MarksFullKeys,
        Self::LooksOnceMore,
        Self::LooksOnceMoreInNewGates,
        Self::HeedsTheMark,
        Self::LooksAhead,
        Self::LooksInAllLanes,
        Self::ReadsTheClockLast,
        Self::TakesIdleTurns,
        Self::DeletesEmptyGates,
        Self::DeletesLast,
        Self::RunsTheFirstOrNone,
        Self::ComparesTheLockedJob,
        Self::ReleasesOnReturn,
        Self::MovesTheRelease,
        Self::LooksAgainAfterWaiting,
        Self::TurnsForMovedJobs,
        Self::RaisesInTwoCommits,
        Self::PaysOnlyWhatItSaw,
        Self::WaitsForLockedJobs,
        Self::WaitsForLockedJobsOfNewKeys,
        Self::TakesTurnsUnderLock,
        Self::SkipsLockedGates,
        Self::LocksItsProcess,
    ];
}
