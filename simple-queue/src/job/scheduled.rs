//! The schedule of a declaration.

use std::time::Duration;

/// What happens to ticks that could not run in time, because no worker ran or the database was away.
///
/// A tick is late after a minute. One that is less late runs whatever is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[non_exhaustive]
pub enum Misfire {
    /// One job for all of them, at the last tick.
    #[default]
    Coalesce,
    /// No job.
    Skip,
    /// A job for each, up to the last 1,000.
    Backfill,
}

/// What happens to a tick while the job of an earlier tick waits or runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[non_exhaustive]
pub enum Overlap {
    /// Both jobs may run at once.
    #[default]
    Allow,
    /// The tick is left out.
    Skip,
    /// The job of the tick is enqueued when the earlier one has ended. Up to 1,000 ticks wait.
    Queue,
}

/// A schedule as a declaration has it; the `#[job]` attribute writes it as a constant.
///
/// The worker that registers the job checks it: the constant itself checks nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeclaredSchedule {
    pub(crate) rule: Rule,
    pub(crate) misfire: Misfire,
    pub(crate) overlap: Overlap,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    Cron { cron: &'static str, zone: &'static str },
    Every(Duration),
}

impl DeclaredSchedule {
    /// Creates a schedule of a cron expression, in UTC.
    #[must_use]
    pub const fn cron(cron: &'static str) -> Self {
        Self::of(Rule::Cron { cron, zone: "UTC" })
    }

    /// Creates a schedule with this time between its ticks.
    #[must_use]
    pub const fn every(time: Duration) -> Self {
        Self::of(Rule::Every(time))
    }

    const fn of(rule: Rule) -> Self {
        Self { rule, misfire: Misfire::Coalesce, overlap: Overlap::Allow }
    }

    /// Sets the time zone of its cron expression.
    #[must_use]
    pub const fn tz(self, zone: &'static str) -> Self {
        match self.rule {
            Rule::Cron { cron, .. } => Self { rule: Rule::Cron { cron, zone }, ..self },
            Rule::Every(_) => self,
        }
    }

    /// Sets what happens to late ticks.
    #[must_use]
    pub const fn misfire(self, misfire: Misfire) -> Self {
        Self { misfire, ..self }
    }

    /// Sets what happens to a tick while the job of an earlier one is live.
    #[must_use]
    pub const fn overlap(self, overlap: Overlap) -> Self {
        Self { overlap, ..self }
    }
}
