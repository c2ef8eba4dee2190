//! What an actor may do.

use std::fmt;

use crate::store::RoleRights;

/// One thing that an actor may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Right {
    /// Lists jobs: queue, kind, status, times, attempts.
    See,
    /// Sees what jobs contain, payload, keys, tags, metadata, results, errors, and selects by that.
    SeeContents,
    /// Puts dead letters back to pending, and copies of completed jobs.
    Retry,
    /// Cancels jobs.
    Cancel,
    /// Deletes waiting jobs and dead letters.
    Delete,
    /// Changes payload, tags and attempts of a waiting job.
    Edit,
    /// Changes queue, priority and due time of waiting jobs.
    Move,
    /// Enqueues jobs by hand.
    Insert,
    /// Pauses and resumes queues and kinds, and changes limits and schedules.
    Control,
}

impl Right {
    const ALL: [Self; 9] = [
        Self::See,
        Self::SeeContents,
        Self::Retry,
        Self::Cancel,
        Self::Delete,
        Self::Edit,
        Self::Move,
        Self::Insert,
        Self::Control,
    ];

    /// The right to an act that is written down under this word.
    pub(super) fn of_action(action: &str) -> Self {
        match action {
            "retry" | "run_again" => Self::Retry,
            "cancel" => Self::Cancel,
            "move" => Self::Move,
            "enqueue" => Self::Insert,
            "edit" => Self::Edit,
            _ => Self::Delete,
        }
    }

    /// What it allows, after "may not".
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::See => "list jobs",
            Self::SeeContents => "see what jobs contain, or select by it",
            Self::Retry => "retry jobs",
            Self::Cancel => "cancel jobs",
            Self::Delete => "delete jobs",
            Self::Edit => "edit jobs",
            Self::Move => "move jobs to other queues, priorities and times",
            Self::Insert => "enqueue jobs by hand",
            Self::Control => "pause queues, or change limits and schedules",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// A set of [`Right`]s.
///
/// ```
/// use simple_queue::{Right, Rights};
///
/// let helpdesk = Rights::READ_ONLY.and(Right::Retry).without(Right::SeeContents);
/// assert!(helpdesk.has(Right::Retry) && !helpdesk.has(Right::Delete));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rights(u16);

impl Rights {
    /// No right.
    pub const NONE: Self = Self(0);

    /// Every right, those of later releases included.
    pub const ALL: Self = Self(u16::MAX);

    /// To see everything and to change nothing.
    pub const READ_ONLY: Self = Self::NONE.and(Right::See).and(Right::SeeContents);

    /// Adds a right.
    #[must_use]
    pub const fn and(self, right: Right) -> Self {
        Self(self.0 | right.bit())
    }

    /// Takes a right away.
    #[must_use]
    pub const fn without(self, right: Right) -> Self {
        Self(self.0 & !right.bit())
    }

    /// Keeps the rights that a role of the database can use.
    pub(super) fn of_role(self, role: RoleRights) -> Self {
        let acts = |right, may: bool| (right, may && role.leaves_traces);
        let usable = [
            (Right::See, role.sees),
            (Right::SeeContents, role.sees_contents),
            acts(Right::Retry, role.inserts && role.ends),
            acts(Right::Cancel, role.updates && role.ends),
            acts(Right::Delete, role.ends),
            acts(Right::Edit, role.updates),
            acts(Right::Move, role.updates),
            acts(Right::Insert, role.inserts),
            acts(Right::Control, role.controls),
        ];
        let unusable = usable.into_iter().filter(|(_, may)| !may);
        unusable.fold(self, |rights, (right, _)| rights.without(right))
    }

    /// Returns whether the set has the right.
    pub const fn has(self, right: Right) -> bool {
        self.0 & right.bit() != 0
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Right::ALL.iter().filter(|right| self.has(**right))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_added_and_not_what_was_taken_away() {
        for right in Right::ALL {
            assert!(Rights::ALL.has(right) && !Rights::NONE.has(right));
            assert!(Rights::NONE.and(right).has(right) && !Rights::ALL.without(right).has(right));
            let others = Right::ALL.iter().filter(|other| **other != right);
            assert!(others.clone().all(|other| Rights::ALL.without(right).has(*other)));
            assert!(others.clone().all(|other| !Rights::NONE.and(right).has(*other)));
        }
        assert_eq!(format!("{:?}", Rights::READ_ONLY), "{See, SeeContents}");
    }
}
