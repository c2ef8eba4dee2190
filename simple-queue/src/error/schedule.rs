//! Errors about schedules.

/// Why a schedule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// Its rule, or what it is combined with, cannot be.
    #[error("the schedule `{schedule}` cannot be used: {problem}")]
    #[non_exhaustive]
    Invalid {
        /// Its name, or its rule as it was written.
        schedule: String,
        /// What is wrong, and the fix.
        problem: String,
    },
    /// The database knows no schedule of this name.
    #[error("there is no schedule `{name}`: `SimpleQueue::schedules` lists them")]
    #[non_exhaustive]
    Unknown {
        /// The name.
        name: String,
    },
    /// The code declares the schedule, so a call cannot put another one in its place.
    #[error(
        "the schedule `{name}` is declared by the code: change when it fires with `set`, or put yours under another name"
    )]
    #[non_exhaustive]
    Declared {
        /// The name.
        name: String,
    },
}

#[cfg(feature = "cron")]
impl ScheduleError {
    pub(crate) fn invalid(schedule: &str, problem: impl Into<String>) -> super::Error {
        let schedule = schedule.to_owned();
        super::Error::Schedule(Self::Invalid { schedule, problem: problem.into() })
    }
}
