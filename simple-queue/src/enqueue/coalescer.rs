//! Coalesces single enqueues that happen at the same time into one statement and one commit.
//!
//! No timer is involved. A call that is alone is written at once by its caller's own task. Calls
//! that come while a write is in flight share the next write, which a task of the library carries
//! out. So no caller depends on another caller's future being polled.

use std::{mem, sync::Arc};

use tokio::sync::oneshot;

use super::{
    coalesced::{Batches, Coalesced, Pending},
    connections::Connections,
    failure::Failure,
    inserted::Inserted,
    write::{Destination, ROWS_PER_STATEMENT, insert_and_wake},
};
use crate::{Error, row::NewJob, telemetry};

/// The jobs of one queue's callers that are not written yet.
#[derive(Debug)]
pub(crate) struct Coalescer {
    pending: Coalesced<PendingJobs>,
    /// 2 connections: one for a caller that writes alone, one for the task.
    connections: Connections,
    /// 4 connections for the other calls of the queue. Those may wait for a transaction, and must
    /// not delay single enqueues.
    calls: Connections,
}

impl Default for Coalescer {
    fn default() -> Self {
        let (connections, calls) = (Connections::new(2), Connections::new(4));
        Self { pending: Coalesced::default(), connections, calls }
    }
}

#[derive(Debug, Default)]
struct PendingJobs {
    jobs: Vec<(NewJob, Answer)>,
    /// Size of the task's last batch.
    written: usize,
    /// Whether a caller is writing its own job. Later calls do not wait for it; they go to the
    /// task.
    one_alone: bool,
    /// Whether recent calls were concurrent, so that the next one is expected to be.
    crowded: bool,
}

type Answer = oneshot::Sender<Result<Inserted, Error>>;

impl Pending for PendingJobs {
    type Batch = Vec<(NewJob, Answer)>;

    fn take(&mut self) -> Option<Self::Batch> {
        let before = mem::take(&mut self.written);
        self.crowded = !self.jobs.is_empty() || before > 1;
        if self.jobs.is_empty() {
            return None;
        }
        let most = std::cmp::min(ROWS_PER_STATEMENT, self.jobs.len());
        let later = self.jobs.split_off(most);
        self.written = most;
        Some(mem::replace(&mut self.jobs, later))
    }

    /// Dropping the senders tells the waiting callers.
    fn abandoned(&mut self) {
        (self.jobs, self.written) = (Vec::new(), 0);
    }
}

impl Coalescer {
    /// The connections for calls other than single enqueues.
    pub(crate) const fn calls(&self) -> &Connections {
        &self.calls
    }

    /// Closes the connections that no call uses.
    #[cfg(feature = "testing")]
    pub(crate) fn close_idle(&self) {
        self.connections.close_idle();
        self.calls.close_idle();
    }

    /// Inserts a job without a unique key, whose id was made for this call, together with
    /// concurrent inserts. Returns after the commit, with this job's own result.
    ///
    /// An open transaction may hold a key. So jobs with a key have statements of their own, and no
    /// other job waits for them.
    pub(crate) async fn insert(
        self: &Arc<Self>,
        destination: Destination,
        job: NewJob,
    ) -> Result<Inserted, Error> {
        if let Some(_alone) = self.begin_alone() {
            let inserted = insert_and_wake(&destination, &self.connections, &[job]).await?;
            return Ok(inserted[0]);
        }
        let (answer, answered) = oneshot::channel();
        if let Some(batches) = self.pending.leave(|pending| pending.jobs.push((job, answer))) {
            tokio::spawn(Arc::clone(self).write(batches, destination));
        }
        // The task is gone only if its runtime is.
        answered
            .await
            .unwrap_or_else(|_| Err(Error::database("enqueue")(sqlx::Error::WorkerCrashed)))
    }

    /// Takes the right to write alone, if no other call is in flight.
    fn begin_alone(&self) -> Option<Alone<'_>> {
        self.pending.look(|pending, is_writing| {
            pending.crowded |= is_writing || pending.one_alone;
            pending.one_alone |= !pending.crowded;
            (!pending.crowded).then(|| Alone(self))
        })
    }

    /// The task that writes what callers leave.
    async fn write(self: Arc<Self>, mut batches: Batches<PendingJobs>, destination: Destination) {
        while let Some(batch) = batches.next() {
            let (jobs, answers): (Vec<NewJob>, Vec<Answer>) = batch.into_iter().unzip();
            match insert_and_wake(&destination, &self.connections, &jobs).await {
                Ok(inserted) => answer(answers, inserted.into_iter().map(Ok)),
                Err(failure) => {
                    self.answer_one_by_one(&destination, jobs, answers, failure).await;
                }
            }
        }
    }

    /// If the database refused a batch, one job may be at fault, so each is written alone. A
    /// transient failure concerns all, so all get the error.
    async fn answer_one_by_one(
        &self,
        destination: &Destination,
        jobs: Vec<NewJob>,
        answers: Vec<Answer>,
        failure: Failure,
    ) {
        let error = Error::from(failure);
        if jobs.len() == 1 || error.is_transient() {
            let others = std::iter::from_fn(|| error.shared()).take(answers.len() - 1);
            let errors: Vec<_> = others.map(Err).collect();
            return answer(answers, errors.into_iter().chain([Err(error)]));
        }
        for (job, waiting) in jobs.into_iter().zip(answers) {
            let inserted = insert_and_wake(destination, &self.connections, &[job]).await;
            let inserted = inserted.map(|mut inserted| inserted.remove(0)).map_err(Error::from);
            answer(vec![waiting], std::iter::once(inserted));
        }
    }
}

fn answer(waiting: Vec<Answer>, results: impl Iterator<Item = Result<Inserted, Error>>) {
    for (waiting, result) in waiting.into_iter().zip(results) {
        if waiting.send(result).is_err() {
            telemetry::enqueue::caller_gone();
        }
    }
}

/// Mark of a caller that writes its own job; cleared on drop.
struct Alone<'g>(&'g Coalescer);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.pending.look(|pending, _| pending.one_alone = false);
    }
}
