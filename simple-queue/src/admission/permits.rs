//! The right to run a job, in three steps: global, of the queue, of its handler's `concurrency`.
//!
//! They are counted before a fetch and taken when its jobs arrive, so a process claims little that
//! it cannot start: what it fetched ahead of need, and what a run that ended meanwhile took a permit for.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::queue::{config::Config, registry::Registered};

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
