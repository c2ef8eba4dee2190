//! Limits that hold for each key: jobs of one key share them.

use super::Rate;

/// What happens to the other jobs of its key when a job of a sequence fails for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AfterFailure {
    /// None of them starts until an operator [retries](crate::Admin::retry) the dead job,
    /// or [skips](crate::Limits::skip) it.
    #[default]
    Halt,
    /// The next one starts.
    Continue,
    /// Those that were enqueued before the failure are cancelled, a thousand at a time. Later ones
    /// then start. One that a transaction enqueued which was open at the failure counts as later or
    /// earlier.
    Drop,
}

/// What holds for the jobs of each key of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct KeyLimit {
    /// How many run at once in all processes together; `None`: any number.
    pub(crate) most: Option<u32>,
    /// They run one after another, in the order in which they are due.
    pub(crate) order: Option<AfterFailure>,
    /// How many start in a time, in all processes together.
    pub(crate) rate: Option<Rate>,
    /// They share the queue with those of other keys, without a limit.
    pub(crate) is_fair: bool,
    /// Each of them says how many tokens of the rate it takes.
    pub(crate) has_costs: bool,
}

/// By what the jobs of a key are limited. It is a part of the limit's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyedBy {
    Number,
    Order,
    /// By nothing: the keys have turns.
    Share,
}

impl KeyLimit {
    pub(crate) const NONE: Self =
        Self { most: None, order: None, rate: None, is_fair: false, has_costs: false };

    pub(crate) const fn by(self) -> KeyedBy {
        match self.order {
            Some(_) => KeyedBy::Order,
            None if self.is_fair => KeyedBy::Share,
            None => KeyedBy::Number,
        }
    }

    /// What the database's statements know of a sequence.
    pub(crate) const fn after_failure(self) -> Option<&'static str> {
        match self.order {
            None => None,
            Some(AfterFailure::Halt) => Some("halt"),
            Some(AfterFailure::Continue) => Some("continue"),
            Some(AfterFailure::Drop) => Some("drop"),
        }
    }

    /// Number of jobs of a key that may run at once.
    pub(crate) const fn most(self) -> Option<u32> {
        match self.order {
            Some(_) => Some(1),
            None => self.most,
        }
    }
}

impl KeyedBy {
    pub(crate) const ALL: [Self; 3] = [Self::Number, Self::Order, Self::Share];

    /// The word for it outside of the process.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Number => "key",
            Self::Order => "order",
            Self::Share => "fair",
        }
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.word() == word)
    }

    /// The limit's name in the database. A queue's name has no `/`, and a declared kind no `#`, so it can be taken
    /// apart again.
    pub(crate) fn rule(self, queue: &str, kind: &str) -> String {
        format!("{}:{queue}/{kind}", self.word())
    }

    /// What jobs of this key pass through.
    pub(crate) fn gate(self, queue: &str, kind: &str, key: &str) -> String {
        format!("{}#{key}", self.rule(queue, kind))
    }
}
