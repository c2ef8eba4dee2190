//! The table of outcomes, row by row.

use super::*;
use crate::job::JobStatus;

const BACKOFF: Duration = Duration::from_secs(10);

fn attempt(number: i32) -> Attempt {
    Attempt {
        number,
        max_attempts: 3,
        reprocess_count: 0,
        max_reprocess_count: None,
        cancel_requested: false,
    }
}

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a valid time")
}

fn outcome_of(answer: impl IntoOutcome) -> Outcome {
    answer.into_outcome(|_| None)
}

fn failed(error: JobError) -> Outcome {
    Err::<(), _>(error).into_outcome(|error| Some(error))
}

/// The fields of a transition that a row of the table names.
#[derive(Debug, PartialEq)]
enum Becomes {
    Completed,
    Pending {
        delay: Duration,
        not_before: Option<DateTime<Utc>>,
        attempt_kept: bool,
        reprocessed: bool,
    },
    Dead {
        status: JobStatus,
        attempt_kept: bool,
    },
}

fn becomes(outcome: Outcome, attempt: &Attempt) -> Becomes {
    match outcome.transition(attempt, || BACKOFF) {
        Transition::Archive { .. } => Becomes::Completed,
        Transition::Retry(retry) => {
            let Retry { delay, not_before, attempt_kept, reprocessed, .. } = *retry;
            Becomes::Pending { delay, not_before, attempt_kept, reprocessed }
        }
        Transition::DeadLetter(letter) => {
            Becomes::Dead { status: letter.status, attempt_kept: letter.attempt_kept }
        }
    }
}

fn retried(delay: Duration, not_before: Option<DateTime<Utc>>) -> Becomes {
    Becomes::Pending { delay, not_before, attempt_kept: false, reprocessed: false }
}

fn rescheduled(delay: Duration, not_before: Option<DateTime<Utc>>) -> Becomes {
    Becomes::Pending { delay, not_before, attempt_kept: true, reprocessed: true }
}

fn dead_with(status: JobStatus) -> Becomes {
    Becomes::Dead { status, attempt_kept: false }
}

#[test]
fn every_answer_becomes_its_row_of_the_table() {
    let (short, long) = (Duration::from_secs(1), Duration::from_mins(1));
    let unprocessable = || Becomes::Dead { status: JobStatus::Unprocessable, attempt_kept: true };
    let rows: Vec<(&str, Outcome, Becomes)> = vec![
        ("()", outcome_of(()), Becomes::Completed),
        ("Success", outcome_of(JobResult::Success), Becomes::Completed),
        ("Ok(())", outcome_of(Ok::<(), BoxDynError>(())), Becomes::Completed),
        ("Failed", outcome_of(JobResult::Failed), retried(BACKOFF, None)),
        ("InternalError", outcome_of(JobResult::InternalError), retried(BACKOFF, None)),
        ("Err", outcome_of(Err::<(), BoxDynError>("no".into())), retried(BACKOFF, None)),
        ("panic", Outcome::attempt_failed("panicked".to_owned()), retried(BACKOFF, None)),
        ("RetryAt", outcome_of(JobResult::RetryAt(at())), retried(BACKOFF, Some(at()))),
        ("retry_after short", failed(JobError::retry_after(short, "x")), retried(BACKOFF, None)),
        ("retry_after long", failed(JobError::retry_after(long, "x")), retried(long, None)),
        (
            "RescheduleAt",
            outcome_of(JobResult::RescheduleAt(at())),
            rescheduled(Duration::ZERO, Some(at())),
        ),
        ("snooze", failed(JobError::snooze(long)), rescheduled(long, None)),
        ("rate limited", failed(JobError::rate_limited(long)), rescheduled(long, None)),
        ("Critical", outcome_of(JobResult::Critical), dead_with(JobStatus::CriticalFailure)),
        ("fail", failed(JobError::fail("x")), dead_with(JobStatus::CriticalFailure)),
        ("Unprocessable", outcome_of(JobResult::Unprocessable), unprocessable()),
        ("unprocessable", failed(JobError::unprocessable("x")), unprocessable()),
        ("HandlerMissing", outcome_of(JobResult::HandlerMissing), unprocessable()),
        ("Cancel", outcome_of(JobResult::Cancel), dead_with(JobStatus::Cancelled)),
        ("cancel", failed(JobError::cancel("x")), dead_with(JobStatus::Cancelled)),
        (
            "expired",
            Outcome::expired(),
            Becomes::Dead { status: JobStatus::Cancelled, attempt_kept: true },
        ),
        (
            "given back",
            Outcome::given_back(),
            Becomes::Pending {
                delay: Duration::ZERO,
                not_before: None,
                attempt_kept: true,
                reprocessed: false,
            },
        ),
    ];
    for (name, outcome, expected) in rows {
        assert_eq!(becomes(outcome, &attempt(1)), expected, "{name}");
    }
}

#[test]
fn a_failure_of_the_last_attempt_is_failed_however_it_was_said() {
    for outcome in [
        outcome_of(JobResult::Failed),
        outcome_of(JobResult::RetryAt(at())),
        failed(JobError::retry_after(Duration::from_secs(1), "x")),
        Outcome::attempt_failed("panicked".to_owned()),
    ] {
        assert_eq!(becomes(outcome, &attempt(3)), dead_with(JobStatus::Failed));
    }
}

#[test]
fn a_rescheduling_past_a_declared_limit_is_a_bad_job_and_needs_no_attempt_left() {
    let limited = Attempt { max_reprocess_count: Some(100), ..attempt(3) };
    let last = Attempt { reprocess_count: 100, ..limited.clone() };
    assert_eq!(
        becomes(outcome_of(JobResult::RescheduleAt(at())), &last),
        dead_with(JobStatus::BadJob)
    );
    let before = Attempt { reprocess_count: 99, ..limited };
    let unlimited = Attempt { reprocess_count: i32::MAX, ..attempt(3) };
    for attempt in [before, unlimited] {
        assert_eq!(
            becomes(outcome_of(JobResult::RescheduleAt(at())), &attempt),
            rescheduled(Duration::ZERO, Some(at()))
        );
    }
}

#[test]
fn a_job_that_was_started_or_put_off_waits_anew_and_one_that_was_given_back_goes_on_waiting() {
    let waits_anew = |outcome: Outcome| match outcome.transition(&attempt(1), || BACKOFF) {
        Transition::Retry(retry) => retry.waits_anew,
        other => panic!("{other:?}"),
    };
    assert!(waits_anew(outcome_of(JobResult::Failed)));
    assert!(waits_anew(Outcome::snoozed(BACKOFF)));
    assert!(!waits_anew(Outcome::given_back()));
}

#[test]
fn only_a_failure_is_excused_by_the_databases_trouble() {
    let refused = [Excuse::RolledBack];
    let with = |outcome: Outcome, trouble| Outcome { trouble: Some(trouble), ..outcome };
    let failure = || Outcome::attempt_failed("deadlock".to_owned());
    let is_given_back = |outcome: Outcome| match outcome.transition(&attempt(3), || BACKOFF) {
        Transition::Retry(retry) => {
            assert_eq!(retry.error.as_deref(), Some("deadlock"));
            retry.attempt_kept && retry.delay < Duration::from_secs(2)
        }
        Transition::Archive { .. } | Transition::DeadLetter(_) => false,
    };
    assert!(is_given_back(with(failure(), Excuse::RolledBack).excused(&refused)));
    assert!(!is_given_back(with(failure(), Excuse::Lost).excused(&refused)));
    assert!(!is_given_back(failure().excused(&refused)));
    assert!(is_given_back(failure().undo()));
    let decided = with(failed(JobError::fail("no")), Excuse::RolledBack).excused(&refused);
    assert_eq!(becomes(decided, &attempt(1)), dead_with(JobStatus::CriticalFailure));
}

#[test]
fn a_requested_cancellation_wins_over_all_but_success() {
    let cancelled = Attempt { cancel_requested: true, ..attempt(1) };
    assert_eq!(becomes(outcome_of(()), &cancelled), Becomes::Completed);
    for outcome in [
        outcome_of(JobResult::Failed),
        outcome_of(JobResult::Critical),
        outcome_of(JobResult::RescheduleAt(at())),
        Outcome::given_back(),
    ] {
        assert_eq!(becomes(outcome, &cancelled), dead_with(JobStatus::Cancelled));
    }
}

#[test]
fn an_error_is_told_with_its_sources_once_each() {
    #[derive(Debug, thiserror::Error)]
    #[error("sending failed")]
    struct Sending(#[source] std::io::Error);

    let outcome =
        Err::<(), _>(Sending(std::io::Error::other("connection refused"))).into_outcome(|_| None);
    assert_eq!(outcome.error.as_deref(), Some("sending failed: connection refused"));
}

#[test]
fn the_plain_interface_hears_the_same_decision() {
    for (outcome, decision) in [
        (failed(JobError::fail("x")), Decision::Fail),
        (failed(JobError::snooze(BACKOFF)), Decision::Snooze(BACKOFF)),
        (failed(JobError::rate_limited(BACKOFF)), Decision::RateLimited(BACKOFF)),
        (Outcome::unprocessable("x".to_owned()), Decision::Unprocessable),
    ] {
        let error = outcome.into_job_result().unwrap_err();
        assert_eq!(error.downcast_ref::<JobError>().map(JobError::decision), Some(decision));
    }
}
