//! The buffer of finished runs that are not written yet.

use std::{mem, sync::Arc};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{ClosedRun, FinishedRun, OpenRun, Unwritten, batch::BatchKind};
use crate::{
    database::failure::is_ambiguous,
    row::{Lease, RuleId},
};

/// Finished runs that wait to be written: by the finalizer, or, if a run is completed without doubt, by the poller in
/// the statement that claims the next jobs, which saves a commit and a round trip.
pub(crate) struct CompletionBuffer {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    unwritten: Unwritten,
    observer: Box<dyn RunObserver>,
}

/// Is told what has been written.
pub(crate) trait RunObserver: Send + Sync + 'static {
    /// Nothing is left to write of these runs.
    fn closed(&self, runs: &[ClosedRun]);

    /// More jobs may be claimed than before.
    fn has_room(&self);
}

/// 100 completions: up to this many, sharing the claim's commit is faster. Beyond that the work on the rows takes
/// longer than the commit, and a session of its own is 1.4 times as fast, measured on two cores with batches of a
/// thousand.
const MOST_WITH_A_CLAIM: usize = 100;

/// 256 KiB of results: writing more would delay the claim.
const MOST_BYTES_WITH_A_CLAIM: usize = 256 * 1024;

#[derive(Default)]
struct Waiting {
    fresh: Vec<OpenRun>,
    /// Runs that the poller could not write. Only the finalizer takes them, because it looks up each.
    returned: Vec<OpenRun>,
    /// Completed runs of jobs with a key, for the next visit of their limit.
    for_visits: Vec<OpenRun>,
    /// No more visits are made.
    visits_ended: bool,
    /// No more runs are accepted.
    closed: bool,
}

impl CompletionBuffer {
    pub(super) fn new(observer: impl RunObserver) -> Self {
        Self {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            unwritten: Unwritten::default(),
            observer: Box::new(observer),
        }
    }

    pub(crate) fn unwritten(&self) -> &Unwritten {
        &self.unwritten
    }

    /// Accepts a finished run. Returns `false` if the buffer is closed, so that nothing would write the run. The
    /// finalizer is woken only by the next [`CompletionBuffer::announce`].
    pub(crate) fn push(&self, run: FinishedRun) -> bool {
        let mut waiting = self.waiting();
        if !waiting.closed {
            let open = OpenRun::new(run);
            self.unwritten.add(open.bytes);
            let for_visit = open.kind() == BatchKind::Completed && open.lease().rule.is_some();
            if for_visit && !waiting.visits_ended {
                waiting.for_visits.push(open);
            } else {
                waiting.fresh.push(open);
            }
        }
        !waiting.closed
    }

    /// Wakes the finalizer to write what waits.
    pub(crate) fn announce(&self) {
        self.arrived.notify_one();
    }

    /// Accepts no more runs; the finalizer ends when it has written those that are here.
    pub(crate) fn close(&self) {
        self.end_visits();
        self.waiting().closed = true;
        self.announce();
    }

    /// Takes the completed runs of this worker id that need no lookup. Takes none if more than [`MOST_WITH_A_CLAIM`]
    /// wait, and only as many as fit into [`MOST_BYTES_WITH_A_CLAIM`].
    pub(crate) fn take_completed(self: &Arc<Self>, worker_id: Uuid) -> CompletedRuns {
        let mut waiting = self.waiting();
        let mut runs = Vec::new();
        if waiting.fresh.len() <= MOST_WITH_A_CLAIM {
            let mut bytes = 0;
            let is_completed = |open: &OpenRun| {
                let is_completed =
                    open.kind() == BatchKind::Completed && open.lease().worker_id == worker_id;
                let fits = bytes + open.bytes <= MOST_BYTES_WITH_A_CLAIM;
                bytes += if is_completed && fits { open.bytes } else { 0 };
                is_completed && fits
            };
            (runs, waiting.fresh) =
                mem::take(&mut waiting.fresh).into_iter().partition(is_completed);
        }
        drop(waiting);
        // The order in which the statements lock their rows.
        runs.sort_unstable_by_key(|open| open.lease().job_id);
        CompletedRuns { completions: Arc::clone(self), runs }
    }

    /// Returns how many completions of jobs under this limit wait for a visit.
    pub(crate) fn count_completed_of(&self, rule: RuleId) -> usize {
        let waiting = self.waiting();
        waiting.for_visits.iter().filter(|open| open.lease().rule == Some(rule)).count()
    }

    /// Takes completed runs of this worker id for a visit of their limit, at most `most` of them.
    pub(crate) fn take_completed_of(
        self: &Arc<Self>,
        rule: RuleId,
        worker_id: Uuid,
        most: usize,
    ) -> CompletedRuns {
        let mut waiting = self.waiting();
        // Those of an earlier id of this process are the finalizer's.
        let is_old = |open: &mut OpenRun| open.lease().worker_id != worker_id;
        let old: Vec<OpenRun> = waiting.for_visits.extract_if(.., is_old).collect();
        let has_old = !old.is_empty();
        waiting.fresh.extend(old);
        let mut taken = 0;
        let is_wanted = |open: &mut OpenRun| {
            let is_wanted = taken < most && open.lease().rule == Some(rule);
            taken += usize::from(is_wanted);
            is_wanted
        };
        let mut runs: Vec<OpenRun> = waiting.for_visits.extract_if(.., is_wanted).collect();
        drop(waiting);
        if has_old {
            self.announce();
        }
        runs.sort_unstable_by_key(|open| open.lease().job_id);
        CompletedRuns { completions: Arc::clone(self), runs }
    }

    /// Leaves what no visit has taken to the finalizer, and wakes it.
    pub(crate) fn release_visits(&self) {
        let mut waiting = self.waiting();
        let left = mem::take(&mut waiting.for_visits);
        waiting.fresh.extend(left);
        drop(waiting);
        self.announce();
    }

    /// No more visits are made: the finalizer writes everything.
    pub(crate) fn end_visits(&self) {
        self.waiting().visits_ended = true;
        self.release_visits();
    }

    pub(super) fn close_runs(&self, runs: &[ClosedRun]) {
        if runs.is_empty() {
            return;
        }
        self.observer.closed(runs);
        let bytes = runs.iter().map(|run| run.bytes).sum();
        self.tell_room(self.unwritten.remove(runs.len(), bytes));
    }

    pub(super) fn succeeded(&self, kind: BatchKind) {
        self.tell_room(self.unwritten.succeeded(kind));
    }

    /// The refused runs were refused for their own values, so writes of this kind no longer count as failing.
    pub(super) fn cleared(&self, kind: BatchKind) {
        self.tell_room(self.unwritten.cleared(kind));
    }

    pub(super) fn allow_trials(&self) {
        self.tell_room(self.unwritten.allow_trials());
    }

    fn tell_room(&self, poller_waits: bool) {
        if poller_waits {
            self.observer.has_room();
        }
    }

    /// Everything that waits; `None` when the buffer is closed and empty.
    pub(super) fn take(&self) -> Option<Vec<OpenRun>> {
        let mut waiting = self.waiting();
        let mut runs = mem::take(&mut waiting.fresh);
        runs.append(&mut waiting.returned);
        (!waiting.closed || !runs.is_empty()).then_some(runs)
    }

    /// Waits until a run has arrived since the last call. Cancel safe.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    fn give_back(&self, runs: impl IntoIterator<Item = OpenRun>) {
        self.waiting().returned.extend(runs);
        self.announce();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock()
    }
}

/// Completed runs that the poller is about to write. The finalizer looks up those about which the poller learns
/// nothing.
pub(crate) struct CompletedRuns {
    completions: Arc<CompletionBuffer>,
    runs: Vec<OpenRun>,
}

impl CompletedRuns {
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.runs.len()
    }

    pub(crate) fn leases(&self) -> Vec<(Lease, Option<&str>)> {
        self.runs.iter().filter_map(OpenRun::archived).collect()
    }

    /// Closes the runs with these ids, which were written, and gives the others back to the finalizer.
    pub(crate) fn written(mut self, mut ids: Vec<Uuid>) {
        ids.sort_unstable();
        let (written, others): (Vec<_>, Vec<_>) = mem::take(&mut self.runs)
            .into_iter()
            .partition(|open| ids.binary_search(&open.lease().job_id).is_ok());
        let closed: Vec<_> = written.iter().map(|open| open.written(true)).collect();
        if !closed.is_empty() {
            self.completions.succeeded(BatchKind::Completed);
        }
        self.completions.close_runs(&closed);
        if !others.is_empty() {
            let skipped = |open| OpenRun { lock_waits: 1, ..open };
            self.completions.give_back(others.into_iter().map(skipped));
        }
    }

    /// The statement failed: nothing is claimed before the finalizer has tried to write these runs.
    pub(crate) fn failed(mut self, error: &sqlx::Error) {
        if !self.runs.is_empty() {
            self.completions.unwritten.failed(BatchKind::Completed);
        }
        self.give_back(is_ambiguous(error));
    }

    fn give_back(&mut self, answer_was_lost: bool) {
        let runs = mem::take(&mut self.runs);
        if !runs.is_empty() {
            self.completions
                .give_back(runs.into_iter().map(|open| OpenRun { answer_was_lost, ..open }));
        }
    }
}

/// If the poller was cancelled, its statement may have written the runs.
impl Drop for CompletedRuns {
    fn drop(&mut self) {
        self.give_back(true);
    }
}

#[cfg(test)]
mod tests;
