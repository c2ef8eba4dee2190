//! One handler for all tests: it does what the payload of its job says, and reports each run.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde::{Deserialize, Serialize};
use simple_queue::prelude::*;
use test_support::DEADLINE;
use tokio::sync::{Mutex, Semaphore, mpsc};
use uuid::Uuid;

/// What a run of the probe does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Say {
    Success,
    Failed,
    Error,
    Panic,
    Critical,
    Cancel,
    Unprocessable,
    HandlerMissing,
    RescheduleNow,
    /// Asks for another attempt at the beginning of time.
    RetryLongAgo,
    /// Fails while the attempt is below this one.
    FailBefore(i32),
    /// Waits until the test opens the gate.
    WaitForGate,
    /// Waits until the job is cancelled, and fails.
    WaitForCancellation,
    /// Never ends by itself.
    Hang,
}

/// One run, as the probe saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) job_id: Uuid,
    pub(crate) attempt: i32,
    pub(crate) say: Say,
}

/// The handler of the queue `probe`.
#[derive(Clone)]
pub(crate) struct Probe {
    seen: mpsc::UnboundedSender<Seen>,
    runs: Arc<Mutex<mpsc::UnboundedReceiver<Seen>>>,
    gate: Arc<Semaphore>,
    at_once: Arc<AtOnce>,
}

#[derive(Default)]
struct AtOnce {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Probe {
    pub(crate) const QUEUE: &'static str = "probe";

    pub(crate) fn new() -> Self {
        let (seen, runs) = mpsc::unbounded_channel();
        Self {
            seen,
            runs: Arc::new(Mutex::new(runs)),
            gate: Arc::new(Semaphore::new(0)),
            at_once: Arc::default(),
        }
    }

    /// A job for the probe.
    pub(crate) fn job(say: Say) -> Job {
        Job::new(Self::QUEUE, say)
    }

    /// The next run that begins; fails when none does.
    pub(crate) async fn next_run(&self) -> Seen {
        let mut runs = self.runs.lock().await;
        let run = tokio::time::timeout(DEADLINE, runs.recv()).await;
        run.expect("a run begins").expect("the probe still exists")
    }

    /// The runs that have begun and that the test has not taken yet.
    pub(crate) async fn other_runs(&self) -> Vec<Seen> {
        let mut runs = self.runs.lock().await;
        std::iter::from_fn(|| runs.try_recv().ok()).collect()
    }

    /// The most runs that there were at once.
    pub(crate) fn most_at_once(&self) -> usize {
        self.at_once.most.load(Ordering::SeqCst)
    }

    /// The number of runs at present.
    pub(crate) fn running(&self) -> usize {
        self.at_once.now.load(Ordering::SeqCst)
    }

    /// Lets this many runs pass the gate.
    pub(crate) fn open_gate(&self, runs: usize) {
        self.gate.add_permits(runs);
    }
}

impl Handler for Probe {
    const QUEUE: &'static str = Self::QUEUE;

    async fn process(&self, _queue: &SimpleQueue, job: &Job) -> Result<JobResult, BoxDynError> {
        let _counted = Counted::new(&self.at_once);
        let say = Say::deserialize(&job.job_data)?;
        self.seen.send(Seen { job_id: job.id, attempt: job.attempt, say })?;
        Ok(match say {
            Say::Failed => JobResult::Failed,
            Say::Error => return Err("the probe was told to fail".into()),
            Say::Panic => panic!("the probe was told to panic"),
            Say::Critical => JobResult::Critical,
            Say::Cancel => JobResult::Cancel,
            Say::Unprocessable => JobResult::Unprocessable,
            Say::HandlerMissing => JobResult::HandlerMissing,
            Say::RescheduleNow => JobResult::RescheduleAt(chrono::DateTime::UNIX_EPOCH),
            Say::RetryLongAgo => JobResult::RetryAt(chrono::DateTime::<chrono::Utc>::MIN_UTC),
            Say::FailBefore(attempt) if job.attempt < attempt => JobResult::Failed,
            Say::Success | Say::FailBefore(_) => JobResult::Success,
            Say::WaitForGate => {
                self.gate.acquire().await?.forget();
                JobResult::Success
            }
            Say::WaitForCancellation => {
                job.cancelled().await;
                JobResult::Failed
            }
            Say::Hang => std::future::pending().await,
        })
    }
}

/// Counts a run from its beginning to its end, however it ends.
struct Counted<'a>(&'a AtOnce);

impl<'a> Counted<'a> {
    fn new(at_once: &'a AtOnce) -> Self {
        let now = at_once.now.fetch_add(1, Ordering::SeqCst) + 1;
        at_once.most.fetch_max(now, Ordering::SeqCst);
        Self(at_once)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}
