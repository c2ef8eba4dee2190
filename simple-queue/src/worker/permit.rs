//! Stage 4: the right to run a job, in four steps: global, of the queue, of its handler's `concurrency`,
//! and by the user's own rules.
//!
//! The first three are counted before a fetch and taken when its jobs arrive, so a process claims little that
//! it cannot start: what it fetched ahead of need, and what a run that ended meanwhile took a permit for.

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{config::Config, registry::Registered};
use crate::row::Job;

/// A permit of the user's own making; what it holds is dropped when the job's run is over.
pub struct Permit {
    _held: Box<dyn Any + Send + Sync>,
}

impl Permit {
    /// A permit that holds a value, such as a semaphore's permit.
    pub fn new<T: Any + Send + Sync>(held: T) -> Self {
        Self { _held: Box::new(held) }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// Why a strategy gives no permit, and what becomes of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobStrategyError {
    /// The job is no longer wanted: it becomes `cancelled`.
    CancelJob,
    /// Not now: run again after this time, without using an attempt, as often as it is asked for unless a limit
    /// is declared with [`max_snoozes`](crate::SimpleQueueBuilder::max_snoozes).
    TryAfter(chrono::TimeDelta),
    /// As if the attempt had failed: run again after the back-off.
    Retry,
    /// As if the job had been done.
    MarkCompleted,
}

/// The future that a strategy answers with.
pub type PermitFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Permit, JobStrategyError>> + Send + 'a>>;

/// Rules of your own for when a job may start: a limit for a tenant, a feature flag, a budget.
///
/// ```
/// use simple_queue::{Job, sync::{JobStrategy, JobStrategyError, Permit, PermitFuture}};
///
/// struct OneAtATime(std::sync::Arc<tokio::sync::Semaphore>);
///
/// impl JobStrategy for OneAtATime {
///     fn acquire(&self, _job: &Job) -> PermitFuture<'_> {
///         Box::pin(async {
///             let permit = self.0.clone().acquire_owned().await;
///             permit.map(Permit::new).map_err(|_| JobStrategyError::CancelJob)
///         })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a strategy",
    label = "expected a static that implements `JobStrategy`",
    note = "implement `simple_queue::sync::JobStrategy` for `{Self}`"
)]
pub trait JobStrategy: Send + Sync {
    /// Waits for the permit to start this job, or says why there is none.
    ///
    /// A wait longer than
    /// [`permit_timeout`](crate::SimpleQueueBuilder::permit_timeout) is dropped and the
    /// job given back, so that it does not keep others of its queue from running.
    fn acquire(&self, job: &Job) -> PermitFuture<'_>;
}

/// Lets every job start at once.
#[derive(Debug, Clone, Copy, Default)]
pub struct InstantStrategy {}

impl JobStrategy for InstantStrategy {
    fn acquire(&self, _job: &Job) -> PermitFuture<'_> {
        Box::pin(std::future::ready(Ok(Permit::new(()))))
    }
}

/// The permits of one process.
#[derive(Debug)]
pub(crate) struct Permits {
    global: Mutex<Sizable>,
    queues: Mutex<HashMap<String, Sizable>>,
    /// There are more than the settings say at present: what becomes free is not given on.
    shrinks: AtomicBool,
}

/// As many permits as the settings say at present.
#[derive(Debug)]
struct Sizable {
    semaphore: Arc<Semaphore>,
    /// How many there are, those that are taken included.
    size: usize,
}

impl Sizable {
    fn new(size: usize) -> Self {
        Self { semaphore: Arc::new(Semaphore::new(size)), size }
    }

    /// Those of a setting that was changed: of fewer, the ones that are taken go when they are free.
    fn of(&mut self, size: usize) -> &Arc<Semaphore> {
        if size > self.size {
            self.semaphore.add_permits(size - self.size);
            self.size = size;
        } else if size < self.size {
            self.size -= self.semaphore.forget_permits(self.size - size);
        }
        &self.semaphore
    }
}

/// The permits of one job that were counted before it was fetched.
#[derive(Debug)]
pub(crate) struct RunPermit {
    _global: OwnedSemaphorePermit,
    _queue: OwnedSemaphorePermit,
    _handler: Option<OwnedSemaphorePermit>,
}

impl Permits {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            global: Mutex::new(Sizable::new(config.global_permits)),
            queues: Mutex::new(HashMap::new()),
            shrinks: AtomicBool::new(false),
        }
    }

    /// Whether a permit that becomes free may be given to the next job as it is. Otherwise it is dropped and taken
    /// anew, which says again whether there still are too many.
    pub(crate) fn are_given_on(&self) -> bool {
        !self.shrinks.load(Ordering::Acquire) || !self.shrinks.swap(false, Ordering::AcqRel)
    }

    /// How many more jobs this process can start.
    pub(crate) fn free(&self, config: &Config) -> usize {
        self.all(config).available_permits()
    }

    /// How many more jobs of this queue, should the global permits suffice.
    pub(crate) fn free_of(&self, queue: &str, config: &Config) -> usize {
        self.of(queue, config).available_permits()
    }

    /// Takes the permits for one job; `None` if one of them is not free.
    pub(crate) fn take(
        &self,
        queue: &str,
        handler: &Registered,
        config: &Config,
    ) -> Option<RunPermit> {
        // The scarcest first, so that one that is missing takes the others from nobody.
        let Ok(handler) = handler.take() else { return None };
        let Ok(queue) = self.of(queue, config).try_acquire_owned() else { return None };
        let Ok(global) = self.all(config).try_acquire_owned() else { return None };
        Some(RunPermit { _global: global, _queue: queue, _handler: handler })
    }

    fn all(&self, config: &Config) -> Arc<Semaphore> {
        let mut global = self.global.lock().unwrap_or_else(PoisonError::into_inner);
        self.sized(&mut global, config.global_permits)
    }

    fn of(&self, queue: &str, config: &Config) -> Arc<Semaphore> {
        let size = config.permits_of(queue);
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sized) = queues.get_mut(queue) {
            return self.sized(sized, size);
        }
        let sized = Sizable::new(size);
        let semaphore = Arc::clone(&sized.semaphore);
        queues.insert(queue.to_owned(), sized);
        semaphore
    }

    fn sized(&self, sizable: &mut Sizable, size: usize) -> Arc<Semaphore> {
        let semaphore = Arc::clone(sizable.of(size));
        if sizable.size > size {
            self.shrinks.store(true, Ordering::Release);
        }
        semaphore
    }
}
