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
mod tests {
    use super::*;
    use crate::{
        finalize::FinishedRun,
        outcome::{Retry, Transition},
    };

    fn worker_id() -> Uuid {
        Uuid::from_u128(7)
    }

    fn done(number: u128) -> FinishedRun {
        let lease = Lease {
            job_id: Uuid::from_u128(number),
            worker_id: worker_id(),
            number: 1,
            rule: None,
        };
        FinishedRun {
            transition: Transition::Archive { result: None },
            ..FinishedRun::given_back(lease)
        }
    }

    fn returned(number: u128, bytes: usize) -> FinishedRun {
        let result = Some("1".repeat(bytes));
        FinishedRun { transition: Transition::Archive { result }, ..done(number) }
    }

    struct Deaf;

    impl RunObserver for Deaf {
        fn closed(&self, _runs: &[ClosedRun]) {}
        fn has_room(&self) {}
    }

    fn completions(runs: impl IntoIterator<Item = FinishedRun>) -> Arc<CompletionBuffer> {
        let completions = Arc::new(CompletionBuffer::new(Deaf));
        for run in runs {
            assert!(completions.push(run));
        }
        completions
    }

    #[test]
    fn a_claim_takes_along_what_is_plainly_done_in_the_order_of_its_ids() {
        let failed = Retry::given_back(std::time::Duration::ZERO).into();
        let others = [
            FinishedRun { transition: failed, ..done(3) },
            FinishedRun { verify_first: true, ..done(4) },
            FinishedRun { lease: Lease { worker_id: Uuid::nil(), ..done(5).lease }, ..done(5) },
        ];
        let completions = completions([done(2), done(1)].into_iter().chain(others));
        let taken = completions.take_completed(worker_id());
        let ids: Vec<u128> =
            taken.leases().iter().map(|(lease, _)| lease.job_id.as_u128()).collect();
        assert_eq!(ids, [1, 2]);
        assert_eq!(completions.take().map(|left| left.len()), Some(3));
    }

    #[test]
    fn many_are_left_to_the_finalizer() {
        let many = u128::try_from(MOST_WITH_A_CLAIM).unwrap() + 1;
        let completions = completions((0..many).map(done));
        assert!(completions.take_completed(worker_id()).leases().is_empty());
        assert_eq!(completions.take().map(|left| left.len()), Some(MOST_WITH_A_CLAIM + 1));
    }

    #[test]
    fn large_results_are_left_to_the_finalizer() {
        let completions =
            completions([returned(1, MOST_BYTES_WITH_A_CLAIM), returned(2, 1), done(3)]);
        let taken = completions.take_completed(worker_id());
        let ids: Vec<u128> =
            taken.leases().iter().map(|(lease, _)| lease.job_id.as_u128()).collect();
        assert_eq!(ids, [1, 3]);
        assert_eq!(completions.take().map(|left| left.len()), Some(1));
    }

    #[test]
    fn a_claim_that_failed_with_what_it_was_to_write_is_not_repeated_before_that_is_written() {
        let completions = completions([done(1)]);
        completions.take_completed(worker_id()).failed(&sqlx::Error::PoolTimedOut);
        assert_eq!(completions.unwritten().room(5).permits, 0);
        completions.succeeded(BatchKind::Touched);
        assert_eq!(completions.unwritten().room(5).permits, 5);
    }

    #[test]
    fn what_is_written_along_with_a_claim_tells_that_the_table_takes_others() {
        let completions = completions([done(1)]);
        let before = completions.unwritten().successes(BatchKind::Touched);
        completions.unwritten().failed(BatchKind::Completed);
        completions.take_completed(worker_id()).written(vec![Uuid::from_u128(1)]);
        assert_eq!(completions.unwritten().room(5).permits, 5);
        assert_eq!(completions.unwritten().successes(BatchKind::Touched), before + 1);
        assert!(completions.push(done(2)));
        completions.unwritten().failed(BatchKind::Completed);
        completions.take_completed(worker_id()).written(Vec::new());
        assert_eq!(completions.unwritten().room(5).permits, 0, "its row was another's");
    }

    #[test]
    fn what_a_claim_did_not_write_comes_back_and_is_looked_into() {
        let completions = completions([done(1), done(2)]);
        completions.take_completed(worker_id()).written(vec![Uuid::from_u128(2)]);
        let back = completions.take().unwrap();
        assert_eq!(back.len(), 1);
        assert!(!back[0].answer_was_lost, "it was answered: the row was locked, or another's");
        assert!(back[0].was_skipped(), "so the finalizer tries with a lock");

        assert!(completions.push(done(3)));
        drop(completions.take_completed(worker_id()));
        assert!(
            completions.take_completed(worker_id()).leases().is_empty(),
            "not for a second claim"
        );
        assert!(completions.take().unwrap()[0].answer_was_lost, "a poller that was cut off");
    }

    #[test]
    fn after_the_end_nothing_is_taken_in_and_what_is_there_is_written() {
        let completions = completions([done(1)]);
        completions.close();
        assert!(!completions.push(done(2)));
        assert_eq!(completions.take().map(|left| left.len()), Some(1));
        assert!(completions.take().is_none());
    }
}
