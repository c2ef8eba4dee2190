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

    /// Lets go of a job, unless it has been claimed again meanwhile.
    pub(crate) fn remove(&self, lease: Lease) {
        let mut jobs = self.jobs();
        if jobs.get(&lease.job_id).is_some_and(|(held, _)| *held == lease) {
            jobs.remove(&lease.job_id);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_older_run_does_not_let_go_of_a_newer_one() {
        let running = Running::default();
        let lease = |number| Lease { job_id: Uuid::nil(), worker_id: Uuid::nil(), number };
        running.insert(lease(1), Arc::default());
        running.insert(lease(3), Arc::default());
        running.remove(lease(1));
        assert_eq!(running.ids(), [Uuid::nil()]);
        running.remove(lease(3));
        assert!(running.is_empty());
    }
}
