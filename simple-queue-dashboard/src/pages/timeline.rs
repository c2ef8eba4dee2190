//! A job's life, step by step.

use std::time::Duration;

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use simple_queue::{JobDetail, Right, RunningJob};

use crate::{
    parts::{State, end_words, lasting, of_share, state_of, time},
    text,
    visit::Visit,
};

struct Step {
    /// Its class in the style sheet.
    class: &'static str,
    words: String,
    at: Option<DateTime<Utc>>,
    more: Option<Markup>,
}

impl Step {
    fn new(class: &'static str, words: impl Into<String>, at: Option<DateTime<Utc>>) -> Self {
        Self { class, words: words.into(), at, more: None }
    }

    fn with(self, more: Markup) -> Self {
        Self { more: Some(more), ..self }
    }
}

pub(super) fn timeline(visit: &Visit, detail: &JobDetail, run: Option<&RunningJob>) -> Markup {
    let steps = steps(visit, detail, run);
    let mut before: Option<DateTime<Utc>> = None;
    html! {
        section.card {
            h2 { (text::TIMELINE) }
            ol.steps {
                @for step in &steps {
                    @let after = step.at.zip(before).and_then(|(at, before)| (at - before).to_std().ok());
                    li class=(step.class) {
                        div {
                            b { (step.words) }
                            @if let Some(at) = step.at { " " (time(at)) }
                            @if let Some(after) = after.filter(|after| *after > Duration::ZERO) {
                                " " small { (text::after(&lasting(after))) }
                            }
                        }
                        @if let Some(more) = &step.more { (more) }
                    }
                    @let () = before = step.at.or(before);
                }
            }
        }
    }
}

fn steps(visit: &Visit, detail: &JobDetail, run: Option<&RunningJob>) -> Vec<Step> {
    let job = &detail.job;
    let mut steps = vec![Step::new("", text::ENQUEUED, Some(job.created_at))];
    if let Some(due) = job.scheduled_at.filter(|due| *due > job.created_at) {
        steps.push(Step::new("", text::FIRST_DUE, Some(due)));
    }
    let contents = job.contents.as_ref();
    let errors = contents.map(|contents| contents.errors.as_slice()).unwrap_or_default();
    for failed in errors {
        let words = text::attempt_failed(failed.attempt);
        let error = html! { pre.error { (failed.error) } };
        steps.push(Step::new("bad", words, failed.at).with(error));
    }
    steps.push(last(visit, detail, run));
    steps
}

/// What it does now, or how it ended.
fn last(visit: &Visit, detail: &JobDetail, run: Option<&RunningJob>) -> Step {
    let (job, live) = (&detail.job, detail.live.as_ref());
    match state_of(job) {
        State::Running => {
            let words = text::attempt_runs(job.attempt);
            let worker = live.and_then(|live| live.worker.as_ref());
            Step::new("now", words, run.map(|run| run.started_at)).with(html! {
                @if let Some((host, pid, _)) = worker { p.soft { (text::on_host(host, *pid)) } }
                @if let Some(run) = run { (progress(run, visit.may(Right::SeeContents))) }
                @if let Some(at) = live.and_then(|live| live.cancel_requested_at) {
                    p { span.badge.warning { (text::CANCEL_ASKED) } " " (time(at)) }
                }
            })
        }
        State::Later if job.attempt > 0 => {
            Step::new("next", text::next_attempt(job.attempt + 1), job.run_at)
        }
        State::Later => Step::new("next", text::RUNS, job.run_at),
        State::Waiting => Step::new("now", text::WAITS_SINCE, job.run_at),
        State::Done => Step::new("good", text::COMPLETED, job.finished_at),
        State::Dead => {
            let words = end_words(job.status);
            // The reason is the last error, or says more than it.
            let contents = job.contents.as_ref();
            let last = contents.and_then(|contents| contents.errors.last());
            let reason = contents
                .and_then(|contents| contents.reason.as_deref())
                .filter(|reason| last.is_none_or(|last| last.error != **reason));
            let step = Step::new("bad", words, job.finished_at);
            match reason {
                Some(reason) => step.with(html! { pre.error { (reason) } }),
                None => step,
            }
        }
    }
}

/// How much of a run is done, and what it does.
pub(super) fn progress(run: &RunningJob, sees_contents: bool) -> Markup {
    html! {
        @if let Some(share) = run.progress {
            progress max="1" value=(format!("{share:.3}")) aria-label=(text::PROGRESS) {}
            " " (of_share(share)) " "
        }
        @if let Some(note) = run.note.as_ref().filter(|_| sees_contents) { small { (note) } }
    }
}
