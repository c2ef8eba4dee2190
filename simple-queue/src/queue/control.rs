//! What people do to queues and jobs by hand: pause, resume, cancel, redrive.

use sqlx::PgConnection;
use uuid::Uuid;

use super::SimpleQueue;
use crate::{
    Error,
    database::{
        again,
        failure::{described, is_about_a_row},
    },
    enqueue::{
        EnqueueOn,
        live::{Which, cancel_those},
    },
    job::JobStatus,
    store::{Division, RedriveFilter},
};

/// # Pausing, cancelling, redriving
impl SimpleQueue {
    /// Keeps the jobs of a queue from being started, in every process, until it is resumed. What runs
    /// goes on to its end, and jobs can still be enqueued.
    ///
    /// A queue is a name, so one that is misspelt is paused like any other. What is known of it is answered, and
    /// logged as a warning where that is nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pause(&self, queue: &str) -> Result<Paused, Error> {
        let paused = again!(tries => self.ask(async |connection| {
            self.store().pause_queue(connection, queue).await
        }));
        let (is_served, has_jobs, was_paused) = paused.map_err(Error::database("pause a queue"))?;
        let paused = Paused { is_served, has_jobs, was_paused };
        if !paused.is_known() {
            tracing::warn!(
                queue,
                "paused a queue that no worker serves and that has no jobs; is its name right?"
            );
        }
        Ok(paused)
    }

    /// Lets the jobs of a queue be started again. Whether it was paused.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resume(&self, queue: &str) -> Result<bool, Error> {
        let resumed = again!(tries => self.ask(async |connection| {
            self.store().resume_queue(connection, queue).await
        }));
        let was_paused = resumed.map_err(Error::database("resume a queue"))?;
        self.wake().wake_local();
        Ok(was_paused)
    }

    /// The queues that are paused, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn paused(&self) -> Result<Vec<String>, Error> {
        let paused = again!(tries => self.ask(async |connection| {
            self.store().list_paused_queues(connection).await
        }));
        paused.map_err(Error::database("list the paused queues"))
    }

    /// Cancels a job: at once while it waits; while it runs, in whatever process, its handler is told, and
    /// dropped after a grace. Whether it was live.
    ///
    /// A job that succeeds before it is dropped is `completed`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel(&self, job_id: Uuid) -> Result<bool, Error> {
        Ok(cancel_those(self.target(), Which::Id(job_id)).await? > 0)
    }

    /// Puts a dead letter back to pending, due at once, with all its attempts before it.
    ///
    /// # Errors
    /// [`Error::NotDead`] when no dead letter has this id; [`Error::Duplicate`] when a live job has its
    /// unique key; or when the database fails.
    pub async fn redrive(&self, job_id: Uuid) -> Result<(), Error> {
        let filter = RedriveFilter { job_id: Some(job_id), ..RedriveFilter::default() };
        loop {
            let Redriven { redriven, still_dead } = self.redrive_those(&filter).await?;
            if redriven == 1 {
                return Ok(());
            }
            if still_dead.is_empty() {
                return Err(Error::NotDead { job_id });
            }
            let holder = again!(tries => self.ask(async |connection| {
                self.store().find_holder_of_dead_key(connection, job_id).await
            }));
            match holder.map_err(Error::database("find who has a unique key"))? {
                Some((Some(unique_key), job_id)) => {
                    return Err(Error::Duplicate { unique_key, job_id });
                }
                // It was enqueued again with the same id.
                Some((None, job_id)) => return Err(Error::NotDead { job_id }),
                // It ended in between.
                None => {}
            }
        }
    }

    /// Puts many dead letters back to pending, a thousand in a transaction.
    ///
    /// ```no_run
    /// # use simple_queue::{DeadLetterFilter, JobStatus, SimpleQueue};
    /// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    /// // After a deploy that can read them:
    /// let unread = DeadLetterFilter::all().queue("emails").status(JobStatus::Unprocessable);
    /// let redriven = queue.redrive_all(unread).await?;
    /// println!("{} run again", redriven.redriven);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the database fails; what was put back before stays so, and the call can be repeated.
    pub async fn redrive_all(&self, which: DeadLetterFilter) -> Result<Redriven, Error> {
        self.redrive_those(&which.0).await
    }

    async fn redrive_those(&self, filter: &RedriveFilter) -> Result<Redriven, Error> {
        const BITE: usize = 1000;
        let (mut all, mut after) = (Redriven::default(), None);
        loop {
            let bite = i64::try_from(BITE).unwrap_or(i64::MAX);
            let listed = again!(tries => self.ask(async |connection| {
                self.store().list_dead_letters(connection, filter, after, bite).await
            }));
            let listed = listed.map_err(Error::database("list dead letters"))?;
            after = listed.last().copied();
            let full = listed.len() == BITE;
            let mut division = Division::of(listed);
            while let Some(part) = division.next() {
                let looked_at = again!(tries => self.ask(async |connection| {
                    let repeated = tries.may_be_done();
                    self.store().redrive_dead_letters(connection, &part, repeated).await
                }));
                match looked_at {
                    // Among many it stays what it is, and holds up no other.
                    Err(error) if is_about_a_row(&error) && filter.job_id.is_none() => {
                        if let Some(id) = division.refused(part) {
                            tracing::error!(error = %described(&error), job_id = %id, "a dead letter cannot be put back; mend it and redrive it");
                            all.still_dead.push(id);
                        }
                    }
                    looked_at => {
                        let looked_at =
                            looked_at.map_err(Error::database("redrive dead letters"))?;
                        all.take_in(looked_at);
                    }
                }
            }
            if !full {
                self.wake().wake_local();
                return Ok(all);
            }
        }
    }

    /// One statement.
    pub(super) async fn ask<T>(
        &self,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        self.coalescer().calls().ask(self.servers(), 1, exchange).await
    }
}

/// What is known of a queue that was paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Paused {
    /// Some worker serves it.
    pub is_served: bool,
    /// Jobs wait or run in it.
    pub has_jobs: bool,
    /// It was paused before.
    pub was_paused: bool,
}

impl Paused {
    /// Whether a worker serves the queue or jobs are in it. If neither is so its name may be misspelt.
    pub fn is_known(&self) -> bool {
        self.is_served || self.has_jobs
    }
}

/// Which dead letters [`SimpleQueue::redrive_all`] puts back: those of which everything holds that is said.
#[derive(Debug, Clone)]
#[must_use = "nothing is put back before `redrive_all` is awaited"]
pub struct DeadLetterFilter(RedriveFilter);

impl DeadLetterFilter {
    /// All of them.
    pub fn all() -> Self {
        Self(RedriveFilter::default())
    }

    /// Those of one queue.
    pub fn queue(self, queue: impl Into<String>) -> Self {
        Self(RedriveFilter { queue: Some(queue.into()), ..self.0 })
    }

    /// Those of one kind: the name of a `#[job]`.
    pub fn kind(self, kind: impl Into<String>) -> Self {
        Self(RedriveFilter { kind: Some(kind.into()), ..self.0 })
    }

    /// Those that ended like this.
    pub fn status(self, status: JobStatus) -> Self {
        Self(RedriveFilter { status: Some(status), ..self.0 })
    }
}

/// What became of dead letters that were to be put back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Redriven {
    /// How many are pending again.
    pub redriven: u64,
    /// Those whose unique key a live job has, and those that the database refuses to put back, of which it says in
    /// the log why.
    pub still_dead: Vec<Uuid>,
}

impl Redriven {
    fn take_in(&mut self, looked_at: Vec<(Uuid, bool)>) {
        for (id, redriven) in looked_at {
            if redriven {
                self.redriven += 1;
            } else {
                self.still_dead.push(id);
            }
        }
    }
}
