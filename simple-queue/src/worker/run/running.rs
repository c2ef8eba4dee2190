//! The jobs that this process holds: each from its claim until its outcome is written.

use std::{
    cmp::Reverse,
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::row::{Claim, Lease, LongRun, RunSignal};

/// The jobs that a process vouches for. A row that carries the process's id and is not in here came from a claim whose
/// response was lost.
#[derive(Debug, Default)]
pub(crate) struct Running {
    jobs: Mutex<HashMap<Uuid, (Lease, Arc<RunSignal>)>>,
}

impl Running {
    pub(crate) fn insert<'c>(&self, claims: impl Iterator<Item = &'c Claim>) {
        let mut jobs = self.jobs();
        for Claim { lease, run, .. } in claims {
            jobs.insert(lease.job_id, (*lease, Arc::clone(run)));
        }
    }

    /// Removes jobs, except those that have been claimed again in the meantime.
    pub(crate) fn remove(&self, leases: impl Iterator<Item = Lease>) {
        let mut jobs = self.jobs();
        for lease in leases {
            if let Entry::Occupied(held) = jobs.entry(lease.job_id)
                && held.get().0 == lease
            {
                held.remove();
            }
        }
    }

    pub(crate) fn ids(&self) -> Vec<Uuid> {
        self.jobs().keys().copied().collect()
    }

    /// The runs whose handlers have worked for at least this long, the longest first, at most `most`.
    pub(crate) fn long_runs(&self, at_least: Duration, most: usize) -> Vec<LongRun> {
        let jobs = self.jobs();
        let mut runs: Vec<(Duration, Uuid, &RunSignal)> = jobs
            .iter()
            .filter_map(|(&id, (_, run))| Some((run.ran()?, id, &**run)))
            .filter(|(ran, ..)| *ran >= at_least)
            .collect();
        runs.sort_unstable_by_key(|&(ran, id, _)| (Reverse(ran), id));
        runs.truncate(most);
        let told = runs.into_iter().map(|(ran, job_id, run)| {
            let said = run.said().unwrap_or_default();
            LongRun { job_id, ran, said }
        });
        told.collect()
    }

    pub(crate) fn has(&self, job_id: Uuid) -> bool {
        self.jobs().contains_key(&job_id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jobs().is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs().len()
    }

    /// Tells a run that its job was cancelled; does nothing if the job does not run here.
    pub(crate) fn cancel(&self, job_id: Uuid) {
        if let Some((_, run)) = self.jobs().get(&job_id) {
            run.cancel();
        }
    }

    /// Makes every run abandon its job.
    pub(crate) fn abandon_all(&self) {
        for (_, run) in self.jobs().values() {
            run.abandon();
        }
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<Uuid, (Lease, Arc<RunSignal>)>> {
        self.jobs.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_an_older_run_does_not_let_go_of_a_newer_one() {
        let running = Running::default();
        let claim = |number| Claim {
            lease: Lease { job_id: Uuid::nil(), worker_id: Uuid::nil(), number, rule: None },
            timeout: None,
            reprocess_count: 0,
            crash_count: 0,
            expired: false,
            run: Arc::default(),
        };
        running.insert([&claim(1)].into_iter());
        running.insert([&claim(3)].into_iter());
        running.remove([claim(1).lease].into_iter());
        assert_eq!(running.ids(), [Uuid::nil()]);
        running.remove([claim(3).lease].into_iter());
        assert!(running.is_empty());
    }
}
