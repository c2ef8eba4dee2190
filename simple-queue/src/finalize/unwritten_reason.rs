//! Why a transition changed no row, and so what happens to its run.

use super::OpenRun;
use crate::{
    job::JobStatus,
    outcome::{DeadLetter, Transition},
    store::LeaseState,
};

/// The reason. It is computed without a database, so that tests need none.
#[derive(Debug, PartialEq)]
pub(super) enum UnwrittenReason {
    /// The job was finished under this lease, by an earlier write whose answer was lost or by the handler's own
    /// transaction.
    AlreadyWritten,
    /// The job was put back by an earlier write whose answer was lost, or claimed again since: nothing is left to do.
    Superseded,
    /// Another process has the job.
    LeaseLost,
    /// Another transaction has locked the row; the write is tried again shortly.
    RowLocked,
    /// Its cancellation was requested after the transition was decided.
    Cancelled(DeadLetter),
    /// The handler's own transaction did not commit, so the transition is still to be written.
    NotCommitted,
}

impl UnwrittenReason {
    pub(super) fn of(open: &OpenRun, state: Option<&LeaseState>) -> Self {
        match (state, &open.run.transition) {
            // A job that is still held is not finished, whatever became of an earlier job with this id.
            (Some(state), _) if state.finished && !state.held => Self::AlreadyWritten,
            (Some(state), _) if state.gone && (open.answer_was_lost || open.run.verify_first) => {
                Self::AlreadyWritten
            }
            (Some(state), Transition::Retry(retry)) if state.held && state.cancel_requested => {
                Self::Cancelled(DeadLetter {
                    status: JobStatus::Cancelled,
                    reason: "cancelled while it ran".to_owned(),
                    attempt_kept: false,
                    error: retry.error.clone(),
                })
            }
            (Some(state), _) if state.held && open.run.verify_first => Self::NotCommitted,
            (Some(state), _) if state.held => Self::RowLocked,
            (_, Transition::Retry(_)) if open.answer_was_lost => Self::Superseded,
            _ => Self::LeaseLost,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::{finalize::FinishedRun, outcome::Retry, row::Lease};

    fn open(transition: Transition) -> OpenRun {
        let lease = Lease { job_id: Uuid::nil(), worker_id: Uuid::nil(), number: 7, rule: None };
        OpenRun::new(FinishedRun { transition, ..FinishedRun::given_back(lease) })
    }

    fn archive() -> OpenRun {
        open(Transition::Archive { result: None })
    }

    fn retry() -> OpenRun {
        open(Transition::from(Retry {
            delay: Duration::ZERO,
            not_before: None,
            attempt_kept: false,
            reprocessed: false,
            waits_anew: false,
            survived: false,
            error: None,
        }))
    }

    fn state(held: bool, cancel_requested: bool, finished: bool) -> LeaseState {
        LeaseState { job_id: Uuid::nil(), lease: 7, held, cancel_requested, finished, gone: false }
    }

    #[test]
    fn a_job_of_which_nothing_is_left_was_finished_by_a_write_that_may_have_been_carried_out() {
        let gone = LeaseState { gone: true, ..state(false, false, false) };
        assert_eq!(
            UnwrittenReason::of(&archive(), Some(&gone)),
            UnwrittenReason::LeaseLost,
            "no earlier write was sent"
        );
        let unheard = OpenRun { answer_was_lost: true, ..archive() };
        assert_eq!(UnwrittenReason::of(&unheard, Some(&gone)), UnwrittenReason::AlreadyWritten);
        let mut in_transaction = retry();
        in_transaction.run.verify_first = true;
        assert_eq!(
            UnwrittenReason::of(&in_transaction, Some(&gone)),
            UnwrittenReason::AlreadyWritten
        );
    }

    #[test]
    fn a_row_that_did_not_change_is_finished_locked_cancelled_or_lost() {
        assert_eq!(
            UnwrittenReason::of(&archive(), Some(&state(false, false, true))),
            UnwrittenReason::AlreadyWritten
        );
        assert_eq!(
            UnwrittenReason::of(&archive(), Some(&state(true, false, false))),
            UnwrittenReason::RowLocked
        );
        assert_eq!(
            UnwrittenReason::of(&archive(), Some(&state(true, true, false))),
            UnwrittenReason::RowLocked
        );
        assert_eq!(
            UnwrittenReason::of(&archive(), Some(&state(true, false, true))),
            UnwrittenReason::RowLocked
        );
        assert_eq!(
            UnwrittenReason::of(&archive(), Some(&state(false, false, false))),
            UnwrittenReason::LeaseLost
        );
        assert_eq!(UnwrittenReason::of(&archive(), None), UnwrittenReason::LeaseLost);
        assert_eq!(
            UnwrittenReason::of(&retry(), Some(&state(false, false, false))),
            UnwrittenReason::LeaseLost
        );
        assert!(matches!(
            UnwrittenReason::of(&retry(), Some(&state(true, true, false))),
            UnwrittenReason::Cancelled(_)
        ));
    }

    #[test]
    fn a_retry_whose_answer_was_lost_is_no_lost_lease() {
        let retry = OpenRun { answer_was_lost: true, ..retry() };
        assert_eq!(
            UnwrittenReason::of(&retry, Some(&state(false, false, false))),
            UnwrittenReason::Superseded
        );
    }

    #[test]
    fn a_transaction_of_the_handler_that_was_not_committed_leaves_the_job_unfinished() {
        let mut archive = archive();
        archive.run.verify_first = true;
        assert_eq!(
            UnwrittenReason::of(&archive, Some(&state(true, false, false))),
            UnwrittenReason::NotCommitted
        );
        assert_eq!(
            UnwrittenReason::of(&archive, Some(&state(false, false, true))),
            UnwrittenReason::AlreadyWritten
        );
    }
}
