//! When jobs are enqueued by themselves. Without the feature `cron` none is.

use std::time::Duration;

use syn::{Ident, Type};

use super::FieldDefault;

/// When jobs are enqueued by themselves.
pub(crate) struct Schedule {
    pub(crate) rule: Rule,
    pub(crate) misfire: Option<Misfire>,
    pub(crate) overlap: Option<Overlap>,
    /// The stored arguments of its jobs, all of them.
    pub(crate) args: Vec<ScheduledArg>,
}

#[cfg_attr(
    not(feature = "cron"),
    expect(dead_code, reason = "without the feature a schedule is refused")
)]
pub(crate) enum Rule {
    Cron { cron: String, zone: Option<String> },
    Every(Duration),
}

/// What happens to late ticks.
#[cfg_attr(
    not(feature = "cron"),
    expect(dead_code, reason = "without the feature a schedule is refused")
)]
#[derive(Clone, Copy)]
pub(crate) enum Misfire {
    Coalesce,
    Skip,
    Backfill,
}

/// What happens to a tick while an earlier job is live.
#[cfg_attr(
    not(feature = "cron"),
    expect(dead_code, reason = "without the feature a schedule is refused")
)]
#[derive(Clone, Copy)]
pub(crate) enum Overlap {
    Allow,
    Skip,
    Queue,
}

/// A stored argument with the value that it has in the jobs of a schedule.
pub(crate) struct ScheduledArg {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) value: FieldDefault,
}
