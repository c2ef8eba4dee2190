//! The jobs that are enqueued, and those that a part of a test enqueues.

use crate::{
    Error, SimpleQueue,
    enqueue::EnqueueOn,
    job::JobPayload,
    row::{Job, Unread, read_payload},
};

/// Returns the jobs of this kind that wait or run, in the order in which they were enqueued.
///
/// # Panics
/// When the payload of one cannot be read, or the database fails.
pub async fn enqueued<'e, J: JobPayload>(on: impl EnqueueOn<'e>) -> Vec<J> {
    let mut target = on.target();
    let kinds = super::expect::kinds_of::<J>();
    let listed = target
        .ask(async |connection, store| store.list_enqueued(connection, Some(&kinds)).await)
        .await;
    let rows = listed.unwrap_or_else(failed);
    rows.iter().map(|row| read(&row.job)).collect()
}

/// Returns what a future returns, and the jobs that were enqueued while it ran, in any table. Those
/// of the test's preparation are not among them.
///
/// ```
/// # use simple_queue::{prelude::*, testing::{TestQueue, enqueued_during}};
/// # #[job]
/// # async fn send_welcome(user_id: i64) {}
/// # async fn sign_up(queue: &SimpleQueue, user_id: i64) {}
/// # async fn example(queue: TestQueue) {
/// let (_, jobs) = enqueued_during(&queue, sign_up(&queue, 42)).await;
/// assert_eq!(jobs.of::<SendWelcome>().len(), 1);
/// # }
/// ```
///
/// # Panics
/// When the database fails.
pub async fn enqueued_during<F: Future>(
    queue: &impl AsRef<SimpleQueue>,
    future: F,
) -> (F::Output, EnqueuedJobs) {
    let queue = queue.as_ref();
    let known = queue.ask_for(1, async |connection| queue.store().list_ids(connection).await).await;
    let known = known.unwrap_or_else(failed);
    let output = future.await;
    let new = queue
        .ask_for(1, async |connection| queue.store().list_unknown_jobs(connection, &known).await);
    let rows = new.await.unwrap_or_else(failed);
    (output, EnqueuedJobs { jobs: rows.into_iter().map(|row| row.job).collect() })
}

/// The jobs that [`enqueued_during`] has seen.
#[derive(Debug, Clone)]
pub struct EnqueuedJobs {
    jobs: Vec<Job>,
}

impl EnqueuedJobs {
    /// Returns those of this kind.
    ///
    /// # Panics
    /// When the payload of one cannot be read.
    pub fn of<J: JobPayload>(&self) -> Vec<J> {
        let kinds = super::expect::kinds_of::<J>();
        self.jobs.iter().filter(|job| kinds.contains(&job.kind())).map(read).collect()
    }

    /// Returns the kinds of all, in the order in which they were enqueued.
    pub fn kinds(&self) -> Vec<&str> {
        self.jobs.iter().map(Job::kind).collect()
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Returns whether nothing was enqueued.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `unwrap_or_else` takes")]
fn failed<T>(error: sqlx::Error) -> T {
    panic!("jobs cannot be listed: {error}")
}

fn read<J: JobPayload>(job: &Job) -> J {
    read_payload(job).unwrap_or_else(|unread| {
        let problem = match unread {
            Unread::OfNewerBuild => "it has a later version".to_owned(),
            Unread::Unfit(problem) => problem,
        };
        panic!("{}", Error::UnreadablePayload { job_id: job.id, problem })
    })
}
