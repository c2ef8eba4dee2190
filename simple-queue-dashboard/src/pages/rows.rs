//! A list of jobs, as a table and as JSON.

use maud::{Markup, html};
use serde_json::{Value, json};
use simple_queue::{JobContents, JobRow, Right};

use crate::{
    parts::{State, badge, job_link, queue_link, state_of, time},
    text,
    visit::Visit,
};

/// Whether rows can be picked, for an act on many.
pub(super) fn can_pick(visit: &Visit) -> bool {
    [Right::Retry, Right::Cancel, Right::Delete, Right::Move].into_iter().any(|it| visit.may(it))
}

pub(super) fn table(visit: &Visit, jobs: &[JobRow], is_picked: bool) -> Markup {
    let has_contents = jobs.iter().any(|job| job.contents.is_some());
    html! {
        table.cards {
            thead {
                tr {
                    @if is_picked {
                        th.pick scope="col" {
                            input.js-only #pick-all type="checkbox" aria-label=(text::PICK_ALL);
                        }
                    }
                    th scope="col" { (text::STATE) }
                    th scope="col" { (text::JOB) }
                    @if has_contents { th scope="col" { (text::ARGUMENTS) } }
                    th scope="col" { (text::QUEUE) }
                    th.n scope="col" { (text::ATTEMPTS) }
                    th.n scope="col" { (text::PRIORITY) }
                    th scope="col" { (text::TIME) }
                }
            }
            tbody {
                @for job in jobs { (row(visit, job, is_picked, has_contents)) }
            }
        }
    }
}

fn row(visit: &Visit, job: &JobRow, is_picked: bool, has_contents: bool) -> Markup {
    let id = job.id.to_string();
    html! {
        tr id={ "j-" (id) } {
            @if is_picked {
                td.pick {
                    input type="checkbox" name="id" value=(id) aria-label=(text::pick(&job.kind, &id));
                }
            }
            td { (badge(job)) }
            td { span { (job_link(visit, job)) (error_of(job)) } }
            @if has_contents { td data-l=(text::ARGUMENTS) { (arguments(job.contents.as_ref())) } }
            td data-l=(text::QUEUE) { (queue_link(visit, &job.queue)) }
            td.n data-l=(text::ATTEMPTS) { (attempts(job)) }
            td.n data-l=(text::PRIORITY) { @if job.priority != 0 { (job.priority) } }
            td data-l=(text::TIME) { span { (when(job)) } }
        }
    }
}

fn arguments(contents: Option<&JobContents>) -> Markup {
    let payload = contents.and_then(|contents| contents.payload.as_deref());
    html! { @if let Some(payload) = payload { code.clip { (payload) } } }
}

fn error_of(job: &JobRow) -> Markup {
    let contents = job.contents.as_ref();
    let last = contents.and_then(|contents| {
        contents.reason.as_deref().or(contents.errors.last().map(|failed| failed.error.as_str()))
    });
    html! { @if let Some(error) = last { span.error.clip { (error) } } }
}

pub(super) fn attempts(job: &JobRow) -> String {
    match job.max_attempts {
        Some(most) => format!("{} / {most}", job.attempt),
        None => job.attempt.to_string(),
    }
}

/// The time that matters in its state.
fn when(job: &JobRow) -> Markup {
    let (words, at) = match (state_of(job), job.run_at, job.finished_at) {
        (State::Waiting, Some(due), _) => (text::DUE, due),
        (State::Later, Some(due), _) => (text::RUNS, due),
        (State::Done | State::Dead, _, Some(end)) => (text::ENDED, end),
        _ => (text::ENQUEUED, job.created_at),
    };
    html! { span.soft { (words) } " " (time(at)) }
}

pub(super) fn json(job: &JobRow) -> Value {
    let mut row = json!({
        "id": job.id, "queue": job.queue, "kind": job.kind, "state": state_of(job).word(),
        "status": job.status.as_str(), "priority": job.priority, "attempt": job.attempt,
        "max_attempts": job.max_attempts, "crash_count": job.crash_count, "worker": job.worker,
        "run_at": job.run_at, "scheduled_at": job.scheduled_at, "created_at": job.created_at,
        "finished_at": job.finished_at, "version": job.version.to_string(),
    });
    if let Some(contents) = &job.contents
        && let Some(row) = row.as_object_mut()
    {
        // As text, so that numbers stay as they are.
        row.insert("payload_text".to_owned(), json!(contents.payload));
        row.insert("payload_bytes".to_owned(), json!(contents.payload_bytes));
        row.insert("payload_version".to_owned(), json!(contents.payload_version));
        row.insert("unique_key".to_owned(), json!(contents.unique_key));
        row.insert("fingerprint".to_owned(), json!(contents.fingerprint));
        row.insert("tags".to_owned(), json!(contents.tags));
        row.insert("metadata_text".to_owned(), json!(contents.metadata));
        row.insert("result_text".to_owned(), json!(contents.result));
        row.insert("reason".to_owned(), json!(contents.reason));
        let errors = contents.errors.iter().map(
            |failed| json!({ "attempt": failed.attempt, "at": failed.at, "error": failed.error }),
        );
        row.insert("errors".to_owned(), errors.collect());
    }
    row
}
