//! Runs what is due on a real worker, until nothing is.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, time::timeout};

use super::{Drained, Left, Run, advance::Passed};
use crate::{
    SimpleQueue,
    job::JobPayload,
    queue::observed::RunLog,
    store::Unfinished,
    worker::{WorkerHandle, start_without_janitor},
};

/// A drain that has not begun; await it. [`TestQueue::drain`](super::TestQueue::drain) creates one.
#[derive(Debug)]
#[must_use = "nothing runs before it is awaited"]
pub struct Drain<'q> {
    queue: &'q SimpleQueue,
    passed: &'q Passed,
    kinds: Option<Vec<&'static str>>,
    most: Option<usize>,
    has_later: bool,
    fails_fast: bool,
}

/// 10,000 runs, after which a drain without a limit gives up: a job enqueues itself, or puts itself
/// off, without end.
const ENDLESS: usize = 10_000;

/// 8 drains of a process at once: each has about ten connections.
static AT_ONCE: Semaphore = Semaphore::const_new(8);

/// 5 ms between two looks at what is left.
const LOOK: Duration = Duration::from_millis(5);

/// 300 ms and 5 looks of the poller in which nothing starts, until jobs that are due count as those
/// that cannot start. 1 s where they share a limit: a worker needs a few round trips to learn whether
/// it lets them, with pauses of 0.1 s in between.
const SETTLED: Duration = Duration::from_millis(300);
const SETTLED_UNDER_A_LIMIT: Duration = Duration::from_secs(1);
const LOOKS: u64 = 5;

/// 30 s without the end of a run, after which a drain gives up on a job that runs.
const STUCK: Duration = Duration::from_secs(30);

/// 5 s, for which running jobs may go on when a drain has enough.
const DEADLINE: Duration = Duration::from_secs(5);

impl<'q> Drain<'q> {
    pub(super) const fn new(queue: &'q SimpleQueue, passed: &'q Passed) -> Self {
        Self { queue, passed, kinds: None, most: None, has_later: false, fails_fast: false }
    }

    /// Also runs what is due later, such as retries: whenever nothing is due, time passes until the
    /// next job is, as with [`TestQueue::advance`](super::TestQueue::advance).
    pub const fn including_later(mut self) -> Self {
        self.has_later = true;
        self
    }

    /// Runs only jobs of this kind. Call it more than once for several.
    pub fn of<J: JobPayload>(mut self) -> Self {
        let kinds = self.kinds.get_or_insert_default();
        kinds.push(J::KIND);
        kinds.extend(J::ALIASES);
        self
    }

    /// Starts at most this many jobs.
    pub const fn at_most(mut self, jobs: usize) -> Self {
        self.most = Some(jobs);
        self
    }

    /// Panics with the first error of a job.
    pub const fn failing_fast(mut self) -> Self {
        self.fails_fast = true;
        self
    }

    async fn run(self) -> Drained {
        let _place = AT_ONCE.acquire().await;
        #[cfg(feature = "cron")]
        super::schedules::declare(self.queue).await;
        let queue = self.queue.beside(|config, registry| {
            if let Some(kinds) = &self.kinds {
                registry.keep_kinds(kinds);
            }
            if let Some(most) = self.most {
                config.global_permits = most.clamp(1, config.global_permits);
            }
        });
        let log = Arc::clone(queue.run_log());
        let first = log.len();
        log.allow(self.most.or(Some(ENDLESS)));
        while self.most != Some(0) {
            let worker = Stopping(Some(start_without_janitor(&queue).await));
            let permitted_in = self.watch(&queue, &log, first).await;
            let runs = log.len();
            worker.stop().await;
            self.check(&log, first);
            match permitted_in {
                // A worker that has been told to wait would not look before.
                Some(permitted_in) => self.passed.advance(self.queue, permitted_in).await,
                // A job that was slow to start may have enqueued another one.
                None if log.len() > runs && !log.is_used_up() => {}
                None => break,
            }
        }
        log.allow(None);
        let runs = log.since(first).iter().map(|run| Run::of(run)).collect();
        let Unfinished { due, later, .. } = look(&queue).await;
        Drained { runs, left: Left { due: count(due), later: count(later) } }
    }

    /// Waits until there is nothing more to run. Returns the time that has to pass before there is.
    async fn watch(&self, queue: &SimpleQueue, log: &RunLog, first: usize) -> Option<Duration> {
        let mut changed = log.subscribe();
        let mut since = Progress::now(log, None);
        let mut shares = queue.served().into_iter().flat_map(|served| served.shares);
        let is_limited =
            !queue.config().queue_limits.is_empty() || shares.any(|share| !share.limits.is_empty());
        let settles = if is_limited { SETTLED_UNDER_A_LIMIT } else { SETTLED };
        loop {
            // Read before the look, which may see less than what has happened since.
            let is_enough = log.is_used_up();
            let before = Progress::now(log, None);
            let left = look(queue).await;
            let now = Progress { due: Some(left.due), ..before };
            if now.differs(&since) {
                since = now;
            }
            if self.fails_fast && errors(log, first).next().is_some() {
                return None;
            }
            if left.running > 0 {
                assert!(
                    since.at.elapsed() < STUCK,
                    "a drain gave up: `{}` has been running for {STUCK:?}",
                    left.runs.as_deref().unwrap_or_default()
                );
            } else if is_enough {
                return None;
            } else if left.due == 0 {
                match left.next_in.filter(|_| self.has_later) {
                    Some(next_in) => {
                        self.passed.advance(self.queue, next_in + Duration::from_millis(1)).await;
                        since = Progress::now(log, None);
                    }
                    None => return None,
                }
            } else if since.is_settled(log, settles) {
                let permitted_in = left.permitted_in.filter(|_| self.has_later);
                let next_in = left.next_in.filter(|_| self.has_later);
                let wait = permitted_in.into_iter().chain(next_in).min();
                return wait.map(|wait| wait + Duration::from_millis(1));
            } else {
                queue.wake().wake_local();
            }
            // A run that ends in between is seen at once.
            let _changed = timeout(LOOK, changed.changed()).await;
        }
    }

    fn check(&self, log: &RunLog, first: usize) {
        if self.fails_fast
            && let Some(failed) = errors(log, first).next()
        {
            panic!("{failed}");
        }
        assert!(
            self.most.is_some() || !log.is_used_up(),
            "a drain gave up after {ENDLESS} runs, the last of `{}`: does a job enqueue itself, or put itself off, \
             without end? `.at_most(…)` stops before",
            log.since(first).last().map_or("", |run| run.job.kind())
        );
    }
}

impl<'q> IntoFuture for Drain<'q> {
    type Output = Drained;
    type IntoFuture = Pin<Box<dyn Future<Output = Drained> + Send + 'q>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Since when nothing has changed.
struct Progress {
    at: Instant,
    runs: usize,
    due: Option<i64>,
    lends: Option<u64>,
    looks: u64,
}

impl Progress {
    fn now(log: &RunLog, due: Option<i64>) -> Self {
        let (runs, lends, looks) = (log.len(), log.lends(), log.looks());
        Self { at: Instant::now(), runs, due, lends, looks }
    }

    fn differs(&self, before: &Self) -> bool {
        (self.runs, self.due, self.lends) != (before.runs, before.due, before.lends)
    }

    fn is_settled(&self, log: &RunLog, settles: Duration) -> bool {
        let has_looked = log.looks() >= self.looks + LOOKS || self.at.elapsed() >= STUCK;
        self.at.elapsed() >= settles && has_looked && self.lends.is_some()
    }
}

/// A worker that does not go on where its drain is dropped or panics.
struct Stopping(Option<WorkerHandle>);

impl Stopping {
    async fn stop(mut self) {
        if let Some(worker) = self.0.take() {
            worker.shutdown(DEADLINE).await;
        }
    }
}

impl Drop for Stopping {
    fn drop(&mut self) {
        if let Some(worker) = &self.0 {
            worker.abandon();
        }
    }
}

/// The queues that are served, each with a kind, or with every kind.
fn served(queue: &SimpleQueue) -> (Vec<String>, Vec<Option<&'static str>>) {
    let served = queue.served().into_iter().flat_map(|served| {
        let kinds = served.kinds();
        let kinds = kinds.map_or_else(|| vec![None], |kinds| kinds.into_iter().map(Some).collect());
        kinds.into_iter().map(move |kind| (served.queue.clone(), kind))
    });
    served.unzip()
}

/// What is left of the jobs that the queue serves.
async fn look(queue: &SimpleQueue) -> Unfinished {
    let (queues, kinds) = served(queue);
    let looked = queue.ask_for(1, async |connection| {
        queue.store().look_for_unfinished(connection, &queues, &kinds).await
    });
    let failed = |error: sqlx::Error| panic!("a drain cannot see what is left: {error}");
    looked.await.unwrap_or_else(failed)
}

/// The runs with an error.
fn errors(log: &RunLog, first: usize) -> impl Iterator<Item = Run> {
    let runs = log.since(first).into_iter();
    runs.map(|run| Run::of(&run)).filter(|run| run.error.is_some())
}

fn count(jobs: i64) -> usize {
    usize::try_from(jobs).unwrap_or_default()
}
