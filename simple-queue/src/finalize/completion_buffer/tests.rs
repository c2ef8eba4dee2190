//! The buffer without a database.

use super::*;
use crate::{
    finalize::FinishedRun,
    outcome::{Retry, Transition},
};

fn worker_id() -> Uuid {
    Uuid::from_u128(7)
}

fn done(number: u128) -> FinishedRun {
    let lease =
        Lease { job_id: Uuid::from_u128(number), worker_id: worker_id(), number: 1, rule: None };
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
    let ids: Vec<u128> = taken.leases().iter().map(|(lease, _)| lease.job_id.as_u128()).collect();
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
    let completions = completions([returned(1, MOST_BYTES_WITH_A_CLAIM), returned(2, 1), done(3)]);
    let taken = completions.take_completed(worker_id());
    let ids: Vec<u128> = taken.leases().iter().map(|(lease, _)| lease.job_id.as_u128()).collect();
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
    assert!(completions.take_completed(worker_id()).leases().is_empty(), "not for a second claim");
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
