//! Operator's calls on queues and jobs: pause, resume, cancel, redrive.

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
    telemetry,
};

/// # Pausing, cancelling, redriving
impl SimpleQueue {
    /// Pauses a queue: no process starts its jobs until it is resumed. Running jobs go on to their
    /// end, and jobs can still be enqueued.
    ///
    /// A misspelt name is paused like any other. The answer says what is known of the queue; if
    /// nothing is known, a warning is logged too.
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
            telemetry::queue::unknown_queue_paused(queue);
        }
        Ok(paused)
    }

    /// Resumes a paused queue. Returns whether it was paused.
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

    /// Lists the names of the paused queues, sorted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn paused(&self) -> Result<Vec<String>, Error> {
        let paused = again!(tries => self.ask(async |connection| {
            self.store().list_paused_queues(connection).await
        }));
        paused.map_err(Error::database("list the paused queues"))
    }

    /// Cancels a job. A waiting job ends at once. For a running job, in whatever process, the
    /// handler is told, and dropped after a grace. Returns whether the job was waiting or running.
    ///
    /// A job that succeeds before it is dropped is `completed`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel(&self, job_id: Uuid) -> Result<bool, Error> {
        Ok(cancel_those(self.target(), Which::Id(job_id)).await? > 0)
    }

    /// Puts a dead letter back to pending, due at once, with all its attempts.
    ///
    /// # Errors
    /// [`Error::NotDead`] when no dead letter has this id; [`Error::Duplicate`] when a live job has its
    /// unique key; or when the database fails.
    #[doc(alias = "retry")]
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
            match holder.map_err(Error::database("find the holder of a unique key"))? {
                Some((Some(unique_key), job_id)) => {
                    return Err(Error::Duplicate { unique_key, job_id });
                }
                // It was enqueued again with the same id.
                Some((None, job_id)) => return Err(Error::NotDead { job_id }),
                // The holder ended in between.
                None => {}
            }
        }
    }

    /// Puts many dead letters back to pending, a thousand in each transaction.
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
    /// When the database fails. Jobs that were put back before the failure stay pending, and the
    /// call can be repeated.
    #[doc(alias = "retry")]
    pub async fn redrive_all(&self, which: DeadLetterFilter) -> Result<Redriven, Error> {
        self.redrive_those(&which.0).await
    }

    async fn redrive_those(&self, filter: &RedriveFilter) -> Result<Redriven, Error> {
        const BATCH: usize = 1000;
        let (mut all, mut after) = (Redriven::default(), None);
        loop {
            let batch = i64::try_from(BATCH).unwrap_or(i64::MAX);
            let listed = again!(tries => self.ask(async |connection| {
                self.store().list_dead_letters(connection, filter, after, batch).await
            }));
            let listed = listed.map_err(Error::database("list dead letters"))?;
            after = listed.last().copied();
            let full = listed.len() == BATCH;
            let mut division = Division::of(listed);
            while let Some(part) = division.next() {
                let looked_at = again!(tries => self.ask(async |connection| {
                    let repeated = tries.may_be_done();
                    self.store().redrive_dead_letters(connection, &part, repeated).await
                }));
                match looked_at {
                    // Among many dead letters this one stays as it is, and the others go on.
                    Err(error) if is_about_a_row(&error) && filter.job_id.is_none() => {
                        if let Some(id) = division.refused(part) {
                            telemetry::queue::redrive_refused(&described(&error), id);
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

    /// Redrives one page, with one statement.
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
    /// Whether a worker serves it.
    pub is_served: bool,
    /// Whether it has jobs that wait or run.
    pub has_jobs: bool,
    /// Whether it was paused before.
    pub was_paused: bool,
}

impl Paused {
    /// Returns whether a worker serves the queue or jobs are in it. If neither, its name may be
    /// misspelt.
    pub fn is_known(&self) -> bool {
        self.is_served || self.has_jobs
    }
}

/// A filter for [`SimpleQueue::redrive_all`]. A dead letter matches if it meets every condition you
/// set.
#[derive(Debug, Clone)]
#[must_use = "a filter does nothing until `redrive_all` is awaited"]
pub struct DeadLetterFilter(RedriveFilter);

impl DeadLetterFilter {
    /// Matches all dead letters.
    pub fn all() -> Self {
        Self(RedriveFilter::default())
    }

    /// Matches dead letters of one queue.
    pub fn queue(self, queue: impl Into<String>) -> Self {
        Self(RedriveFilter { queue: Some(queue.into()), ..self.0 })
    }

    /// Matches dead letters of one kind: the name of a `#[job]`.
    pub fn kind(self, kind: impl Into<String>) -> Self {
        Self(RedriveFilter { kind: Some(kind.into()), ..self.0 })
    }

    /// Matches dead letters with this status.
    pub fn status(self, status: JobStatus) -> Self {
        Self(RedriveFilter { status: Some(status), ..self.0 })
    }
}

/// Result of a redrive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Redriven {
    /// Number of jobs that are pending again.
    pub redriven: u64,
    /// Ids that are still dead letters: a live job has their unique key, or the database refused to
    /// put them back. In the second case the log has its message.
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
