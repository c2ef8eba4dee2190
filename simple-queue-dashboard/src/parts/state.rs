//! The state of a job, in a word and a colour.

use maud::{Markup, html};
use simple_queue::{JobRow, JobStatus};

use crate::text;

/// Where a job is, as operators think of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Waiting,
    Later,
    Running,
    Done,
    Dead,
}

impl State {
    /// The word of the filter, which is the class of the style sheet too.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Later => "later",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }
}

pub(crate) fn state_of(job: &JobRow) -> State {
    match job.status {
        JobStatus::Running => State::Running,
        JobStatus::Completed => State::Done,
        JobStatus::Pending if job.run_at.is_some_and(|due| due > crate::now()) => State::Later,
        JobStatus::Pending => State::Waiting,
        _ => State::Dead,
    }
}

pub(crate) fn badge(job: &JobRow) -> Markup {
    let state = state_of(job);
    let words = match (state, job.status) {
        (State::Later, _) if job.attempt > 0 => text::RETRIES,
        (State::Later, _) => text::LATER,
        (State::Waiting, _) => text::WAITING,
        (State::Running, _) => text::RUNNING,
        (State::Done, _) => text::DONE,
        (State::Dead, status) => end_words(status),
    };
    html! { span class={ "badge " (state.word()) } { (words) } }
}

/// How a dead letter ended.
pub(crate) const fn end_words(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Cancelled => text::CANCELLED,
        JobStatus::Failed => text::FAILED,
        JobStatus::CriticalFailure => text::CRITICAL,
        JobStatus::Unprocessable => text::UNPROCESSABLE,
        JobStatus::BadJob => text::BAD_JOB,
        other => other.as_str(),
    }
}
