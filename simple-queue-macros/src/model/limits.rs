//! What limits the jobs of a declaration.

use std::time::Duration;

use super::Piece;

/// How many may run at once.
#[derive(Default)]
pub(crate) struct Concurrency {
    pub(crate) per_process: Option<u32>,
    /// In all processes together.
    pub(crate) limit: Option<u32>,
}

/// What holds for the jobs of each key, and the pieces of the key's template.
pub(crate) struct KeyLimit {
    /// How many run at once in all processes together.
    pub(crate) concurrency: Option<u32>,
    /// One after another.
    pub(crate) order: Option<AfterFailure>,
    /// How many start in a time, in all processes together.
    pub(crate) rate: Option<Rate>,
    /// How many tokens of the rate a job takes; `None`: one.
    pub(crate) cost: Option<Cost>,
    /// The keys share the queue, without a limit.
    pub(crate) is_fair: bool,
    pub(crate) key: Vec<Piece>,
}

/// How many tokens a job takes.
pub(crate) enum Cost {
    Always(u32),
    /// As a stored argument says.
    Field(Piece),
}

/// What happens to the others of its key when a job fails for good.
#[derive(Clone, Copy)]
pub(crate) enum AfterFailure {
    Halt,
    Continue,
    Drop,
}

/// How many may start in a time, in all processes together.
#[derive(Clone)]
pub(crate) struct Rate {
    pub(crate) limit: u32,
    pub(crate) per: Period,
    /// How many may start at once; `None`: as the library has it.
    pub(crate) burst: Option<u32>,
    /// Whether no period has more than the limit.
    pub(crate) is_strict: bool,
}

/// The time of a rate.
#[derive(Clone)]
pub(crate) enum Period {
    /// Wherever it begins.
    Any(Duration),
    /// A window of the calendar, by the clock of a zone.
    Calendar(Window, String),
}

/// A window of the calendar.
#[derive(Clone, Copy)]
pub(crate) enum Window {
    Minute,
    Hour,
    Day,
    Week,
    Month,
}
