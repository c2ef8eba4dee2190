//! Limits that hold for each key: jobs of one key share them.

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
}

/// A limit that holds for each key of a kind of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyLimit {
    /// How many jobs of a key run at once in all processes together.
    Concurrency(u32),
    /// The jobs of a key run one after another, in the order in which they are due.
    Order(AfterFailure),
}

impl KeyLimit {
    /// Number of jobs of a key that may run at once.
    pub(crate) const fn most(self) -> u32 {
        match self {
            Self::Concurrency(most) => most,
            Self::Order(_) => 1,
        }
    }

    /// What the database's statements know of it.
    pub(crate) const fn after_failure(self) -> Option<&'static str> {
        match self {
            Self::Concurrency(_) => None,
            Self::Order(AfterFailure::Halt) => Some("halt"),
            Self::Order(AfterFailure::Continue) => Some("continue"),
        }
    }

    /// How the names of limits begin, before a colon.
    pub(crate) const PREFIXES: [&str; 2] = ["key", "order"];

    /// The limit's name in the database. A queue's name has no `/`, and a declared kind no `#`, so it can be taken
    /// apart again.
    pub(crate) fn rule(self, queue: &str, kind: &str) -> String {
        let prefix = match self {
            Self::Concurrency(_) => "key",
            Self::Order(_) => "order",
        };
        format!("{prefix}:{queue}/{kind}")
    }

    /// What jobs of this key pass through.
    pub(crate) fn gate(self, queue: &str, kind: &str, key: &str) -> String {
        format!("{}#{key}", self.rule(queue, kind))
    }
}
