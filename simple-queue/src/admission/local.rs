//! The limits of this process, in three steps: of all jobs, of the queue, and of the handler's `concurrency`.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{PermitScope, PermitSource, UNLIMITED};
use crate::queue::{config::Config, registry::Registered};

/// The permits of one process.
#[derive(Debug)]
pub(super) struct LocalPermits {
    global: Mutex<Sizable>,
    queues: Mutex<HashMap<String, Sizable>>,
    /// There are more permits than the current settings allow. A permit that becomes free is then not passed on to the
    /// next job.
    shrinks: AtomicBool,
}

/// A semaphore whose size follows the current settings.
#[derive(Debug)]
struct Sizable {
    semaphore: Arc<Semaphore>,
    /// Number of permits, the taken ones included.
    size: usize,
}

impl Sizable {
    fn new(size: usize) -> Self {
        Self { semaphore: Arc::new(Semaphore::new(size)), size }
    }

    /// Adjusts the semaphore to a changed setting. When the size falls, permits that are taken disappear once they are
    /// free.
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

/// The local permits of one job.
#[derive(Debug)]
pub(super) struct LocalPermit {
    _global: OwnedSemaphorePermit,
    _queue: OwnedSemaphorePermit,
    _handler: Option<OwnedSemaphorePermit>,
}

impl LocalPermits {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            global: Mutex::new(Sizable::new(config.global_permits)),
            queues: Mutex::new(HashMap::new()),
            shrinks: AtomicBool::new(false),
        }
    }

    fn all(&self, config: &Config) -> Arc<Semaphore> {
        self.sized(&mut self.global.lock(), config.global_permits)
    }

    fn of(&self, queue: &str, config: &Config) -> Arc<Semaphore> {
        let size = config.permits_of(queue);
        let mut queues = self.queues.lock();
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

impl PermitSource for LocalPermits {
    type Permit = LocalPermit;

    fn free(&self, of: PermitScope<'_>, config: &Config) -> usize {
        match of {
            PermitScope::All => self.all(config).available_permits(),
            PermitScope::Queue(queue) => self.of(queue, config).available_permits(),
            PermitScope::Share(share) => share.free.unwrap_or(UNLIMITED),
        }
    }

    fn take(&self, queue: &str, handler: &Registered, config: &Config) -> Option<LocalPermit> {
        // The scarcest permit comes first: a job that cannot get it takes no other permit away.
        let Ok(handler) = handler.take() else { return None };
        let Ok(queue) = self.of(queue, config).try_acquire_owned() else { return None };
        let Ok(global) = self.all(config).try_acquire_owned() else { return None };
        Some(LocalPermit { _global: global, _queue: queue, _handler: handler })
    }

    fn are_reusable(&self) -> bool {
        !self.shrinks.load(Ordering::Acquire) || !self.shrinks.swap(false, Ordering::AcqRel)
    }
}
