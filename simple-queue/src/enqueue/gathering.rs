//! Single enqueues that happen at the same time share a statement and its commit.
//!
//! Nothing waits in order to gather: one that comes alone is written at once, by its caller's own task, and
//! what comes while a write is in flight goes together into the next, which a task of ours carries out: so
//! no caller waits for another's future to be polled.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::{
    connections::Connections,
    failure::Failure,
    inserted::Inserted,
    write::{Destination, ROWS_PER_STATEMENT, insert_and_wake},
};
use crate::{Error, row::NewJob};

/// The jobs of one queue's callers that wait to be written.
#[derive(Debug)]
pub(crate) struct Gathering {
    waiting: Mutex<Waiting>,
    /// A caller that writes alone has one, and the task another.
    connections: Connections,
    /// What else the queue's callers ask. It may wait for a transaction of theirs, and single jobs shall not.
    calls: Connections,
}

impl Default for Gathering {
    fn default() -> Self {
        let (connections, calls) = (Connections::new(2), Connections::new(4));
        Self { waiting: Mutex::default(), connections, calls }
    }
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: Vec<(NewJob, Answer)>,
    /// A task is writing, and will look at `jobs` again before it ends.
    writing: bool,
    /// A caller is writing its own job. Nobody waits for it: whoever comes meanwhile goes to the task.
    one_alone: bool,
    /// Of late several came at a time, so the next one will not be the only one either.
    crowded: bool,
}

type Answer = oneshot::Sender<Result<Inserted, Error>>;

impl Gathering {
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
        {
            let mut waiting = self.waiting();
            waiting.jobs.push((job, answer));
            if !mem::replace(&mut waiting.writing, true) {
                let task = Writing { gathering: Arc::clone(self), ended: false };
                tokio::spawn(task.until_empty(destination));
            }
        }
        // Its task is gone only with the runtime it ran on.
        answered
            .await
            .unwrap_or_else(|_| Err(Error::database("enqueue")(sqlx::Error::WorkerCrashed)))
    }

    /// The right to write alone, for one who meets nobody.
    fn begin_alone(&self) -> Option<Alone<'_>> {
        let mut waiting = self.waiting();
        waiting.crowded |= waiting.writing || waiting.one_alone;
        waiting.one_alone |= !waiting.crowded;
        (!waiting.crowded).then(|| Alone(self))
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

    /// What is to be written now, after so many; with nothing, the writing is over.
    fn take(&self, before: usize) -> Vec<(NewJob, Answer)> {
        let mut waiting = self.waiting();
        waiting.writing = !waiting.jobs.is_empty();
        waiting.crowded = waiting.writing || before > 1;
        let most = std::cmp::min(ROWS_PER_STATEMENT, waiting.jobs.len());
        let later = waiting.jobs.split_off(most);
        mem::replace(&mut waiting.jobs, later)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
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
struct Alone<'g>(&'g Gathering);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.waiting().one_alone = false;
    }
}

/// The task that writes. Should it be dropped with its runtime, even before it began, others write, and
/// those who wait are told so.
struct Writing {
    gathering: Arc<Gathering>,
    /// The mark was reset together with the look at what is left.
    ended: bool,
}

impl Writing {
    async fn until_empty(mut self, destination: Destination) {
        let mut before = 0;
        loop {
            let (jobs, answers): (Vec<NewJob>, Vec<Answer>) =
                self.gathering.take(before).into_iter().unzip();
            if jobs.is_empty() {
                self.ended = true;
                return;
            }
            before = jobs.len();
            match insert_and_wake(&destination, &self.gathering.connections, &jobs).await {
                Ok(inserted) => answer(answers, inserted.into_iter().map(Ok)),
                Err(failure) => {
                    self.gathering.answer_one_by_one(&destination, jobs, answers, failure).await;
                }
            }
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.ended {
            let mut waiting = self.gathering.waiting();
            (waiting.jobs, waiting.writing) = (Vec::new(), false);
        }
    }
}
