//! Operator's calls on schedules, and the jobs that schedules enqueue.

mod backfill;
mod job;
mod state;

pub use backfill::Backfilled;
pub(crate) use job::ScheduledJob;
pub use state::ScheduleState;

use serde_json::{Value, json};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::{
    SimpleQueue,
    caller::{Caller, Change, control},
};
use crate::{
    Error, ScheduleError,
    database::again,
    enqueue::Enqueue,
    job::JobPayload,
    schedule::{Schedule, StoredRule, id_of_tick},
    store::{NewSchedule, RunNow, ScheduleRow},
};

/// # Schedules
impl SimpleQueue {
    /// Returns the schedules: those of `#[job(cron = …)]` and `#[job(every = …)]`, which a worker
    /// with such a job declares when it starts, and those that [`Schedules::put`] puts.
    ///
    /// ```no_run
    /// # use simple_queue::{Schedule, prelude::*};
    /// # #[job]
    /// # async fn report(customer: i64) {}
    /// # async fn example(queue: SimpleQueue) -> Result<(), simple_queue::Error> {
    /// let mornings = Schedule::cron("30 8 * * *")?.tz("Asia/Tokyo")?;
    /// queue.schedules().put("report of 7", Report::new(7), mornings).await?;
    ///
    /// for schedule in queue.schedules().list().await? {
    ///     println!("{schedule}"); // with the next five ticks
    /// }
    /// queue.schedules().pause("report of 7").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn schedules(&self) -> Schedules<'_> {
        self.schedules_by(Caller::Program)
    }

    pub(crate) fn schedules_by<'q>(&'q self, caller: Caller<'q>) -> Schedules<'q> {
        Schedules { queue: self, caller }
    }
}

/// The schedules of a queue; [`SimpleQueue::schedules`] returns them. A change is effective on all
/// machines at once; where a worker cannot listen for notifications, within ten seconds.
#[derive(Debug, Clone, Copy)]
pub struct Schedules<'q> {
    queue: &'q SimpleQueue,
    caller: Caller<'q>,
}

impl Schedules<'_> {
    /// Puts a schedule, which enqueues this job at each tick. One of this name that was put before
    /// is replaced: it keeps its pause, and its next tick if the rule is the same.
    ///
    /// # Errors
    /// [`ScheduleError::Declared`] when the code declares a schedule of this name.
    /// [`ScheduleError::Invalid`] when the job cannot be one of a schedule: with a delay or a due
    /// time, or with more rules for its unique key than to ignore a tick while it is taken. Those
    /// of [`Enqueue::enqueue`]; or when the database fails.
    pub async fn put<J: JobPayload>(
        self,
        name: &str,
        job: impl Into<Enqueue<J>>,
        schedule: Schedule,
    ) -> Result<(), Error> {
        let job = ScheduledJob::new(name, schedule, job.into().into_row()?)?;
        let target = target(name);
        let change = put_change(&target);
        let put = control!(self.queue, self.caller, change => async |connection| {
            let put = self.put_on(connection, &job).await?;
            Ok((put.is_ok(), put))
        });
        put?
    }

    /// As [`Schedules::put`], in a transaction of yours.
    ///
    /// # Errors
    /// Those of [`Schedules::put`].
    pub async fn put_in<J: JobPayload>(
        self,
        tx: &mut Transaction<'_, Postgres>,
        name: &str,
        job: impl Into<Enqueue<J>>,
        schedule: Schedule,
    ) -> Result<(), Error> {
        let job = ScheduledJob::new(name, schedule, job.into().into_row()?)?;
        let target = target(name);
        let put = self.queue.control_in(tx, self.caller, put_change(&target), async |connection| {
            let put = self.put_on(connection, &job).await?;
            Ok((put.is_ok(), put))
        });
        put.await?
    }

    async fn put_on(
        self,
        connection: &mut PgConnection,
        job: &ScheduledJob,
    ) -> sqlx::Result<Result<(), Error>> {
        let store = self.queue.store();
        let now = store.read_clock(&mut *connection).await?;
        let (name, schedule) = (job.name.clone(), job.schedule.clone());
        let Some(next_at) = schedule.next_after(now) else {
            return Ok(Err(ScheduleError::invalid(&name, "it never fires again")));
        };
        let new = NewSchedule { name, schedule, next_at, job: job.job.clone() };
        let put = store.put_schedules(connection, &[new], false).await?;
        let declared = || Error::Schedule(ScheduleError::Declared { name: job.name.clone() });
        Ok((put > 0).then_some(()).ok_or_else(declared))
    }

    /// Lists all schedules, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(self) -> Result<Vec<ScheduleState>, Error> {
        let rows = self.read(None).await?;
        Ok(rows.into_iter().map(ScheduleState::of).collect())
    }

    /// Finds a schedule by its name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(self, name: &str) -> Result<Option<ScheduleState>, Error> {
        Ok(self.read(Some(name)).await?.pop().map(ScheduleState::of))
    }

    /// Pauses a schedule, until it is resumed and across deploys. Its ticks meanwhile are left out;
    /// [`Schedules::backfill`] enqueues their jobs later. Jobs that are enqueued already run.
    ///
    /// # Errors
    /// [`ScheduleError::Unknown`]; or when the database fails.
    pub async fn pause(self, name: &str) -> Result<(), Error> {
        let target = target(name);
        let what = "pause a schedule";
        let change = Change { action: "pause", target: &target, arguments: None, what };
        let is_known = control!(self.queue, self.caller, change => async |connection| {
            let is_known = self.queue.store().pause_schedule(connection, name).await?;
            Ok((is_known, is_known))
        });
        let is_known = is_known?;
        is_known.then_some(()).ok_or_else(|| unknown(name))
    }

    /// Resumes a paused schedule: it fires at its next tick. Returns whether it was paused.
    ///
    /// # Errors
    /// [`ScheduleError::Unknown`]; [`ScheduleError::Invalid`] when this release cannot read it; or
    /// when the database fails.
    pub async fn resume(self, name: &str) -> Result<bool, Error> {
        let mut was_paused = false;
        let resume = |row: &ScheduleRow| {
            was_paused |= row.paused_at.is_some();
            row.paused_at.map(|_| row.set.clone())
        };
        self.change(name, "resume", None, resume).await?;
        Ok(was_paused)
    }

    /// Sets when a schedule fires instead of the declared rule. It survives restarts and deploys,
    /// until [`Schedules::reset`]. Only the rule of `schedule` counts; what happens to late ticks
    /// and overlaps stays as declared.
    ///
    /// # Errors
    /// [`ScheduleError::Unknown`]; or when the database fails.
    pub async fn set(self, name: &str, schedule: &Schedule) -> Result<(), Error> {
        let rule = schedule.stored();
        let arguments = json!({ "rule": schedule.describe() });
        self.change(name, "set", Some(arguments), |_| Some(Some(rule.clone()))).await
    }

    /// Goes back to the declared rule.
    ///
    /// # Errors
    /// [`ScheduleError::Unknown`]; [`ScheduleError::Invalid`] when this release cannot read that
    /// rule; or when the database fails.
    pub async fn reset(self, name: &str) -> Result<(), Error> {
        self.change(name, "reset", None, |row| row.set.is_some().then_some(None)).await
    }

    /// Enqueues a job of a schedule now, beside its ticks, paused or not. Returns the job's id.
    ///
    /// With [`Overlap::Queue`](crate::Overlap::Queue) the job waits for an earlier one to end, and
    /// is enqueued by a worker.
    ///
    /// # Errors
    /// [`ScheduleError::Unknown`]; [`Error::Duplicate`] when a live job has the job's unique key, as
    /// an earlier one of a schedule with [`Overlap::Skip`](crate::Overlap::Skip) has; or when the
    /// database fails.
    ///
    /// # Cancel safety
    /// A call that is dropped before it is ready may have enqueued the job.
    pub async fn run_now(self, name: &str) -> Result<Uuid, Error> {
        let store = self.queue.store();
        let at = again!(tries => self.queue.ask(async |connection| {
            store.read_clock(connection).await
        }));
        let at = at.map_err(Error::database("read the time"))?;
        let id = id_of_tick(store.schema().name(), name, at);
        let target = target(name);
        let arguments = Some(json!({ "job": id }));
        let what = "run a schedule";
        let change = Change { action: "run_now", target: &target, arguments, what };
        loop {
            let run = control!(self.queue, self.caller, change => async |connection| {
                let run = store.run_schedule(connection, name, id, at).await?;
                Ok((matches!(run, Some(RunNow::Done)), run))
            });
            match run?.ok_or_else(|| unknown(name))? {
                RunNow::Done => {
                    self.queue.wake().wake_local();
                    return Ok(id);
                }
                RunNow::Taken { unique_key } => {
                    let holders = again!(tries => self.queue.ask(async |connection| {
                        store.find_jobs_by_unique_key(connection, &[&unique_key]).await
                    }));
                    let holders =
                        holders.map_err(Error::database("find a job by its unique key"))?;
                    // If there is none, the holder has ended in between.
                    if let Some(&(job_id, _)) = holders.first() {
                        return Err(Error::Duplicate { unique_key, job_id });
                    }
                }
            }
        }
    }

    /// Removes a schedule. Jobs that are enqueued already run; ticks that wait for them get none.
    /// One that the code declares comes back when a worker with it starts; pause it instead.
    /// Returns whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove(self, name: &str) -> Result<bool, Error> {
        let target = target(name);
        let what = "remove a schedule";
        let change = Change { action: "remove", target: &target, arguments: None, what };
        control!(self.queue, self.caller, change => async |connection| {
            let removed = self.queue.store().remove_schedule(connection, name).await?;
            Ok((removed, removed))
        })
    }

    /// Changes a schedule as it is now. `edit` returns the rule that an operator has set, or that
    /// nothing is to be changed.
    async fn change(
        self,
        name: &str,
        action: &'static str,
        arguments: Option<Value>,
        mut edit: impl FnMut(&ScheduleRow) -> Option<Option<StoredRule>>,
    ) -> Result<(), Error> {
        let target = target(name);
        let change = Change { action, target: &target, arguments, what: "change a schedule" };
        let resumes = action == "resume";
        loop {
            let row = self.read_one(name).await?;
            let Some(set) = edit(&row) else { return Ok(()) };
            let rule = set.as_ref().unwrap_or(&row.declared).read()?;
            let Some(next_at) = rule.next_after(row.now) else {
                return Err(ScheduleError::invalid(name, "it never fires again"));
            };
            let changed = control!(self.queue, self.caller, change => async |connection| {
                let store = self.queue.store();
                let changed =
                    store.change_schedule(connection, &row, next_at, set.as_ref(), resumes).await?;
                Ok((changed, changed))
            });
            // A worker may have moved it past a tick since it was read.
            if changed? {
                return Ok(());
            }
        }
    }

    async fn read_one(self, name: &str) -> Result<ScheduleRow, Error> {
        self.read(Some(name)).await?.pop().ok_or_else(|| unknown(name))
    }

    async fn read(self, name: Option<&str>) -> Result<Vec<ScheduleRow>, Error> {
        self.caller.demand_look()?;
        let rows = again!(tries => self.queue.ask(async |connection| {
            self.queue.store().list_schedules(connection, name).await
        }));
        rows.map_err(Error::database("list the schedules"))
    }
}

/// As the audit has it.
fn target(name: &str) -> String {
    format!("schedule:{name}")
}

fn put_change(target: &str) -> Change<'_> {
    Change { action: "put", target, arguments: None, what: "put a schedule" }
}

fn unknown(name: &str) -> Error {
    Error::Schedule(ScheduleError::Unknown { name: name.to_owned() })
}
