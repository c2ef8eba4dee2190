//! Acts on many jobs.

use std::{future::IntoFuture, pin::Pin, time::Duration};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ActRecord, ActState, Admin, Right, refused::problem_of_queue};
use crate::{
    Error, JobFilter, SimpleQueue,
    database::again,
    filter::State,
    store::{Moved, NewAct, Verb},
    telemetry,
    upkeep::acts::{self, Bite, Pace, bite},
};

impl Admin {
    /// Selects jobs to act on together.
    ///
    /// The act is about what matched when it began. It is written down, with the filter and the
    /// actor, and carried out a thousand jobs at a time, each thousand in a transaction of its own
    /// together with the progress. If this process dies, a worker's janitor goes on with it after a
    /// minute; [`Admin::stop`] ends it.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// # use simple_queue::{JobFilter, SimpleQueue};
    ///
    /// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// let admin = queue.admin().as_actor("ann@example.com");
    /// let refused = JobFilter::dead().queue("emails").error_like("connection refused");
    /// let retried = admin.select(refused).retry().await?;
    /// println!("{} run again", retried.done);
    /// for (id, why) in retried.left {
    ///     println!("{id} does not: {why}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn select(&self, filter: JobFilter) -> Selected<'_> {
        Selected { admin: self, filter }
    }

    /// Ends an act on many jobs after its present thousand. What was done stays. Returns whether it
    /// was running.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without an actor, or without the right to the act;
    /// [`Error::Database`] when it fails.
    pub async fn stop(&self, act: Uuid) -> Result<bool, Error> {
        self.demand_of_act(act).await?;
        let stopped = again!(tries => self.queue.ask_for(1, async |connection| {
            self.queue.store().stop_act(connection, act).await
        }));
        stopped.map_err(Error::database("stop an act"))
    }

    /// Goes on with an act on many jobs that was stopped, or whose process has died, and waits for
    /// its end. Returns `None` if there is no such act.
    ///
    /// # Errors
    /// Those of [`Admin::stop`].
    pub async fn go_on(&self, act: Uuid) -> Result<Option<Touched>, Error> {
        self.demand_of_act(act).await?;
        let begun = again!(tries => self.queue.ask_for(1, async |connection| {
            self.queue.store().restart_act(connection, act).await
        }));
        begun.map_err(Error::database("go on with an act"))?;
        carry_out(&self.queue, act).await
    }

    /// Refuses who may not do what an act does.
    async fn demand_of_act(&self, act: Uuid) -> Result<(), Error> {
        let read = again!(tries => self.queue.ask_for(1, async |connection| {
            self.queue.store().read_act(connection, act).await
        }));
        let right = match read.map_err(Error::database("read an act"))? {
            Some(row) => Right::of_action(&row.action),
            None => Right::See,
        };
        self.actor_with(right).map(drop)
    }
}

/// Jobs that are selected for an act; [`Admin::select`] returns them.
///
/// An act fails with [`Error::NotAllowed`] without an actor or without its right, with
/// [`Error::InvalidOption`] if its filter is about other states, and with [`Error::Database`] when
/// the database fails; then a janitor goes on with it, or [`Admin::go_on`].
#[derive(Debug, Clone)]
#[must_use = "a selection does nothing by itself"]
pub struct Selected<'a> {
    admin: &'a Admin,
    filter: JobFilter,
}

impl<'a> Selected<'a> {
    /// Puts dead letters back to pending, as [`Admin::retry`].
    pub fn retry(self) -> Bulk<'a> {
        self.act(Right::Retry, Verb::Retry)
    }

    /// Cancels jobs that wait or run, as [`Admin::cancel`].
    pub fn cancel(self) -> Bulk<'a> {
        self.act(Right::Cancel, Verb::Cancel)
    }

    /// Deletes jobs, as [`Admin::delete`]: dead letters, or jobs that wait. The filter has to say
    /// which.
    pub fn delete(self) -> Bulk<'a> {
        let verb =
            if self.filter.is_of_the_dead() { Verb::DeleteDead } else { Verb::DeleteWaiting };
        self.act(Right::Delete, verb)
    }

    /// Moves waiting jobs to another queue, as [`Admin::move_to`].
    pub fn move_to(self, queue: impl Into<String>) -> Bulk<'a> {
        let moved = Moved { queue: Some(queue.into()), ..Moved::default() };
        self.act(Right::Move, Verb::Move(moved))
    }

    /// Sets the priority of waiting jobs, as [`Admin::set_priority`].
    pub fn set_priority(self, priority: i16) -> Bulk<'a> {
        let moved = Moved { priority: Some(priority), ..Moved::default() };
        self.act(Right::Move, Verb::Move(moved))
    }

    /// Sets when waiting jobs are due, as [`Admin::run_at`].
    pub fn run_at(self, at: DateTime<Utc>) -> Bulk<'a> {
        let moved = Moved { run_at: Some(at), ..Moved::default() };
        self.act(Right::Move, Verb::Move(moved))
    }

    /// Makes waiting jobs due now, as [`Admin::run_now`].
    pub fn run_now(self) -> Bulk<'a> {
        let moved = Moved { runs_now: true, ..Moved::default() };
        self.act(Right::Move, Verb::Move(moved))
    }

    fn act(self, right: Right, verb: Verb) -> Bulk<'a> {
        Bulk { admin: self.admin, filter: self.filter, right, verb }
    }
}

/// An act on many jobs that has not begun; a method of [`Selected`] returns it. Awaiting it carries
/// it out; [`Bulk::start`] does not wait for its end.
#[derive(Debug, Clone)]
#[must_use = "an act begins when it is awaited or started"]
pub struct Bulk<'a> {
    admin: &'a Admin,
    filter: JobFilter,
    right: Right,
    verb: Verb,
}

impl Bulk<'_> {
    /// Begins the act in a task of this process, and returns its id, for [`Admin::act`] and
    /// [`Admin::stop`].
    ///
    /// # Errors
    /// Those of [`Selected`], as far as they arise before the first job.
    pub async fn start(self) -> Result<Uuid, Error> {
        let queue = self.admin.queue.clone();
        let act = self.begin().await?;
        tokio::spawn(async move {
            if let Err(error) = carry_out(&queue, act).await {
                telemetry::admin::act_broken_off(&error, act);
            }
        });
        Ok(act)
    }

    async fn run(self) -> Result<Touched, Error> {
        let queue = self.admin.queue.clone();
        let act = self.begin().await?;
        let touched = carry_out(&queue, act).await?;
        touched.ok_or_else(|| Error::database("read an act")(sqlx::Error::RowNotFound))
    }

    /// Writes the act down.
    async fn begin(self) -> Result<Uuid, Error> {
        let Self { admin, filter, right, verb } = self;
        let actor = admin.actor_with(right)?;
        admin.demand_look(&filter, false).await?;
        if let Verb::Move(Moved { queue: Some(queue), .. }) = &verb {
            problem_of_queue(queue)?;
        }
        let filter = narrowed(filter, &verb)?;
        let id = Uuid::now_v7();
        let act = NewAct {
            id,
            actor,
            action: verb.action(),
            target: filter.to_string(),
            job_id: None,
            arguments: verb.arguments(),
            is_running: true,
            done: 0,
            left: &[],
        };
        let begun = again!(tries => admin.queue.ask_for(1, async |connection| {
            admin.queue.store().insert_act(connection, &act).await
        }));
        begun.map_err(Error::database("begin an act"))?;
        Ok(id)
    }
}

impl<'a> IntoFuture for Bulk<'a> {
    type Output = Result<Touched, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// What an act on many jobs did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Touched {
    /// The act, for [`Admin::act`].
    pub act: Uuid,
    /// Whether it came to its end.
    pub state: ActState,
    /// To how many jobs it was done.
    pub done: u64,
    /// How many it left as they are.
    pub left_alone: u64,
    /// The first hundred of those, and why.
    pub left: Vec<(Uuid, crate::Why)>,
}

/// The filter, about the states that the act is about.
fn narrowed(filter: JobFilter, verb: &Verb) -> Result<JobFilter, Error> {
    let state = match (verb, filter.state) {
        (Verb::Retry | Verb::DeleteDead, State::Dead) | (Verb::Retry, State::Any) => State::Dead,
        (Verb::Cancel | Verb::Move(_), State::Any) => State::Live,
        (
            Verb::Cancel | Verb::Move(_) | Verb::DeleteWaiting,
            state @ (State::Waiting | State::Later | State::Running | State::Live),
        ) => state,
        (verb, state) => {
            let problem = format!(
                "to {} jobs with `state:{}`: it is about {}",
                verb.action(),
                state.as_str(),
                match verb {
                    Verb::Retry | Verb::DeleteDead => "dead letters, `state:dead`",
                    Verb::DeleteWaiting =>
                        "dead letters, `state:dead`, or jobs that wait, `state:live`",
                    Verb::Cancel | Verb::Move(_) => "jobs that wait or run, `state:live`",
                }
            );
            return Err(Error::InvalidOption { option: "filter", problem });
        }
    };
    Ok(JobFilter { state, ..filter })
}

/// 100 ms, the pause between two looks at an act that another process carries out.
const LOOKS: Duration = Duration::from_millis(100);

/// Carries out an act to its end, or waits for the process that does.
async fn carry_out(queue: &SimpleQueue, act: Uuid) -> Result<Option<Touched>, Error> {
    let (store, mut pace) = (queue.store(), Pace::default());
    loop {
        let bitten = again!(tries => queue.ask_in_transaction(acts::STATEMENTS, async |connection| {
            bite(store, connection, act, pace).await
        }));
        pace = match pace.after(&bitten) {
            Some(pace) => pace,
            None => {
                let bitten = bitten.map(drop).map_err(Error::database("act on jobs"));
                return bitten.map(|()| None);
            }
        };
        let Ok(bitten) = bitten else { continue };
        queue.wake().wake_local();
        if bitten == Bite::More {
            continue;
        }
        let read = again!(tries => queue.ask_for(1, async |connection| {
            store.read_act(connection, act).await
        }));
        let Some(row) = read.map_err(Error::database("read an act"))? else { return Ok(None) };
        let record = ActRecord::of(row);
        if record.state == ActState::Running {
            tokio::time::sleep(LOOKS).await;
            continue;
        }
        if let Some(error) = record.note.as_ref().filter(|_| record.state == ActState::Failed) {
            telemetry::admin::act_failed(error, act);
        }
        return Ok(Some(Touched {
            act,
            state: record.state,
            done: record.done,
            left_alone: record.left_alone,
            left: record.left,
        }));
    }
}
