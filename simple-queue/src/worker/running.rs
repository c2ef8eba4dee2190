//! What this process holds: every job from its claim until its end is written.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

use crate::row::{Lease, Run};

/// The jobs a process vouches for. Whatever carries the process's id in the table and is not in here
/// came from a claim whose answer was lost.
#[derive(Debug, Default)]
pub(crate) struct Running {
    jobs: Mutex<HashMap<Uuid, (Lease, Arc<Run>)>>,
}

impl Running {
    pub(crate) fn insert(&self, lease: Lease, run: Arc<Run>) {
        self.jobs().insert(lease.job_id, (lease, run));
    }

    pub(crate) fn remove(&self, job_id: Uuid) {
        self.jobs().remove(&job_id);
    }

    pub(crate) fn ids(&self) -> Vec<Uuid> {
        self.jobs().keys().copied().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jobs().is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs().len()
    }

    /// Tells a run that its job's end was asked for; nothing if it does not run here.
    pub(crate) fn cancel(&self, job_id: Uuid) {
        if let Some((_, run)) = self.jobs().get(&job_id) {
            run.cancelled.cancel();
        }
    }

    /// Makes every run let go of its job.
    pub(crate) fn abandon_all(&self) {
        for (_, run) in self.jobs().values() {
            run.abandoned.cancel();
        }
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<Uuid, (Lease, Arc<Run>)>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
