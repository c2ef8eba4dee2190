//! Single enqueues that happen at the same time share a statement and its commit.
//!
//! Nothing waits in order to gather: one that comes alone is written at once, by its caller's own task, and
//! what comes while a write is in flight goes together into the next, which a task of ours carries out: so
//! no caller waits for another's future to be polled.

use std::{mem, sync::Arc};

use tokio::sync::oneshot;

use super::{
    coalesced::{Batches, Coalesced, Pending},
    connections::Connections,
    failure::Failure,
    inserted::Inserted,
    write::{Destination, ROWS_PER_STATEMENT, insert_and_wake},
};
use crate::{Error, row::NewJob};

/// The jobs of one queue's callers that wait to be written.
#[derive(Debug)]
pub(crate) struct Coalescer {
    pending: Coalesced<PendingJobs>,
    /// A caller that writes alone has one, and the task another.
    connections: Connections,
    /// What else the queue's callers ask. It may wait for a transaction of theirs, and single jobs shall not.
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
    /// How many the task wrote last.
    written: usize,
    /// A caller is writing its own job. Nobody waits for it: whoever comes meanwhile goes to the task.
    one_alone: bool,
    /// Of late several came at a time, so the next one will not be the only one either.
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

    /// Those who wait for their answers are told so.
    fn abandoned(&mut self) {
        (self.jobs, self.written) = (Vec::new(), 0);
    }
}

impl Coalescer {
    /// The connections for what callers ask beside single jobs.
    pub(crate) const fn calls(&self) -> &Connections {
        &self.calls
    }

    /// Inserts a job without a unique key, whose id was made for it, together with what others insert meanwhile. It returns after the
    /// commit, with this job's own answer.
    ///
    /// A key may be held by an open transaction; so jobs with one have statements of their own, and no
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
        // Its task is gone only with the runtime it ran on.
        answered
            .await
            .unwrap_or_else(|_| Err(Error::database("enqueue")(sqlx::Error::WorkerCrashed)))
    }

    /// The right to write alone, for one who meets nobody.
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

    /// What the database refused may be the fault of one of them: each is then written alone. What it could
    /// not do at all it cannot do for each either.
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
            tracing::trace!("an enqueue was no longer waited for");
        }
    }
}

/// The mark of a caller that writes its own job.
struct Alone<'g>(&'g Coalescer);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.pending.look(|pending, _| pending.one_alone = false);
    }
}
