//! What a process can start: its queues, and the kinds that are fetched together.

use std::borrow::Cow;

use super::shared_limit::SharedLimit;

/// A queue as this process serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) queue: String,
    /// The priorities of its declared jobs.
    pub(crate) priorities: Vec<i16>,
    pub(crate) shares: Vec<Share>,
}

/// Kinds of a queue that share a limit: those of one handler with a limit, or all others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Share {
    /// `None`: all but `excluded`.
    pub(crate) kinds: Option<Vec<&'static str>>,
    pub(crate) excluded: Vec<Cow<'static, str>>,
    /// How many more of its jobs can start; `None`: as many as the queue has permits for.
    pub(crate) free: Option<usize>,
    /// Its limits in all processes together.
    pub(crate) limits: Vec<SharedLimit>,
}

impl Served {
    /// All kinds that this process runs; `None`: every kind.
    pub(crate) fn kinds(&self) -> Option<Vec<&'static str>> {
        let kinds: Option<Vec<_>> = self.shares.iter().map(|share| share.kinds.clone()).collect();
        kinds.map(|kinds| kinds.concat())
    }
}

impl Served {
    /// Leaves a kind out of what is asked for.
    pub(crate) fn leave_out(&mut self, kind: &str) {
        for share in &mut self.shares {
            match &mut share.kinds {
                Some(kinds) => kinds.retain(|known| *known != kind),
                None => share.excluded.push(Cow::Owned(kind.to_owned())),
            }
        }
        self.shares.retain(|share| share.kinds.as_ref().is_none_or(|kinds| !kinds.is_empty()));
    }
}
