//! The right to run a job, in three steps: global, of the queue, of its handler's `concurrency`.
//!
//! They are counted before a fetch and taken when its jobs arrive, so a process claims little that
//! it cannot start: what it fetched ahead of need, and what a run that ended meanwhile took a permit for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::queue::{config::Config, registry::Registered};

/// The permits of one process.
#[derive(Debug)]
pub(crate) struct Permits {
    global: Arc<Semaphore>,
    queues: Mutex<HashMap<String, Arc<Semaphore>>>,
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
            global: Arc::new(Semaphore::new(config.global_permits)),
            queues: Mutex::new(HashMap::new()),
        }
    }

    /// How many more jobs this process can start.
    pub(crate) fn free(&self) -> usize {
        self.global.available_permits()
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
        let Ok(global) = Arc::clone(&self.global).try_acquire_owned() else { return None };
        Some(RunPermit { _global: global, _queue: queue, _handler: handler })
    }

    fn of(&self, queue: &str, config: &Config) -> Arc<Semaphore> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(semaphore) = queues.get(queue) {
            return Arc::clone(semaphore);
        }
        let semaphore = Arc::new(Semaphore::new(config.permits_of(queue)));
        queues.insert(queue.to_owned(), Arc::clone(&semaphore));
        semaphore
    }
}
