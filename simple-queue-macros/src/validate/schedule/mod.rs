//! `cron`, `every` and what belongs to them: when a job is enqueued by itself, and with which arguments.

#[cfg(feature = "cron")]
mod checked;

#[cfg(feature = "cron")]
pub(crate) use checked::schedule;

/// Other mistakes are reported for a build with the feature.
#[cfg(not(feature = "cron"))]
pub(crate) fn schedule(
    args: crate::parse::args::ScheduleArgs,
    _called: &str,
    _declaration: &crate::model::Declaration,
    errors: &mut crate::errors::Errors,
) -> Option<crate::model::Schedule> {
    // Destructured in full: an argument that is added to the table has to be used here.
    let crate::parse::args::ScheduleArgs { cron, tz, every, args, misfire, overlap } = args;
    let first = cron.or(every).or(tz).or(args).or(misfire).or(overlap)?;
    let message = format!("`{}` needs the feature `cron` of simple-queue", first.key);
    errors.at(first.key.span(), message);
    None
}
