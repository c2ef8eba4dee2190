//! The jobs that schedules enqueue.

use crate::{
    Error, ScheduleError,
    enqueue::validate,
    job::{JobPayload, OnConflict, Overlap},
    row::{Due, NewJob},
    schedule::Schedule,
};

/// A schedule with its job, as the code declares it.
#[derive(Debug, Clone)]
pub(crate) struct ScheduledJob {
    pub(crate) name: String,
    pub(crate) schedule: Schedule,
    pub(crate) job: NewJob,
    /// Earlier names of the job.
    pub(crate) aliases: &'static [&'static str],
}

/// 200 bytes, upper bound of a schedule's name: it is part of a unique key.
const LONGEST_NAME: usize = 200;

impl ScheduledJob {
    /// The schedule of a declaration; `None` if it has none.
    pub(crate) fn declared<J: JobPayload>() -> Result<Option<Self>, Error> {
        let (Some(declared), Some(payload)) = (J::SCHEDULE, J::scheduled()) else {
            return Ok(None);
        };
        let in_place = |error| match error {
            Error::Schedule(ScheduleError::Invalid { problem, .. }) => {
                ScheduleError::invalid(J::KIND, format!("{problem} (at {})", J::DECLARED_AT))
            }
            other => other,
        };
        let schedule = Schedule::declared(declared).map_err(in_place)?;
        let scheduled = Self::new(J::KIND, schedule, NewJob::declared(&payload)?);
        let scheduled = scheduled.map_err(in_place)?;
        Ok(Some(Self { aliases: J::ALIASES, ..scheduled }))
    }

    /// # Errors
    /// When the job cannot be that of a schedule.
    pub(crate) fn new(name: &str, schedule: Schedule, mut job: NewJob) -> Result<Self, Error> {
        let refuse = |problem: &str| Err(ScheduleError::invalid(name, problem));
        if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            return refuse("a name has 1 to 200 bytes and no control character");
        }
        schedule.check()?;
        validate(&job)?;
        if job.due != Due::Now {
            return refuse("the schedule says when its jobs are due; leave `delay` and `at` out");
        }
        if job.unique_key.is_some()
            && (job.has_key_rules() || job.on_conflict != OnConflict::Ignore)
        {
            return refuse(
                "a tick whose unique key is taken gets no job, and nothing else can be done; leave `on_conflict`, \
                 `for` and `while` out",
            );
        }
        if schedule.overlap == Overlap::Skip {
            if job.unique_key.is_some() {
                return refuse(
                    "`overlap = \"skip\"` is a unique key itself; leave `unique` or `overlap` out",
                );
            }
            // No kind begins with this, so no declared key is equal.
            job.unique_key = Some(format!("@schedule:{name}"));
        }
        Ok(Self { name: name.to_owned(), schedule, job, aliases: &[] })
    }
}
