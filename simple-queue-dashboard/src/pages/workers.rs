//! The processes that run jobs, and what they have been running for long.

use maud::{Markup, html};
use serde_json::json;
use simple_queue::{Right, RunningJob, WorkerState};

use super::timeline::progress;
use crate::{
    parts::{back, empty, queue_link, tile, time},
    text,
    trouble::Trouble,
    visit::{Json, Made, Visit},
    wire::with_query,
};

pub(super) async fn made(visit: &Visit) -> Result<Made, Trouble> {
    let (workers, running) = (visit.queue.workers().await?, visit.queue.running().await?);
    let silent = workers.iter().filter(|worker| worker.is_silent).count();
    let html = || {
        html! {
            div.head { h1 { (text::WORKERS) } }
            div.tiles {
                (tile(text::PROCESSES, &html! { (workers.len()) }))
                (tile(text::SILENT, &html! { (silent) }))
                (tile(text::LONG_RUNS, &html! { (running.len()) }))
            }
            section.card.flush {
                @if workers.is_empty() {
                    (empty(text::NO_WORKERS, text::NO_WORKERS_HOW, Some(text::NO_WORKERS_CODE)))
                } @else { (processes(visit, &workers, &running)) }
            }
            @if !running.is_empty() { (runs(visit, &running)) }
        }
    };
    visit.made(text::WORKERS, html, || {
        let workers: Vec<_> = workers.iter().map(|it| json!({
            "id": it.id, "host": it.host, "pid": it.pid, "queues": it.queues, "release": it.release,
            "started_at": it.started_at, "heartbeat_at": it.heartbeat_at, "is_silent": it.is_silent,
            "claimed": it.claimed, "permits": it.permits, "full_since": it.full_since,
        })).collect();
        let running: Vec<_> = running.iter().map(|it| json!({
            "job_id": it.job_id, "queue": it.queue, "kind": it.kind, "attempt": it.attempt,
            "started_at": it.started_at, "progress": it.progress,
            "note": it.note.as_ref().filter(|_| visit.may(Right::SeeContents)),
            "is_cancelled": it.is_cancelled, "worker_id": it.worker_id, "host": it.host, "pid": it.pid,
        })).collect();
        Json::of(&json!({ "workers": workers, "running": running }))
    })
}

fn processes(visit: &Visit, workers: &[WorkerState], running: &[RunningJob]) -> Markup {
    html! {
        table.cards {
            thead {
                tr {
                    th scope="col" { (text::HOST) } th.n scope="col" { (text::PROCESS) }
                    th scope="col" { (text::QUEUES) } th.n scope="col" { (text::JOBS_OF_PERMITS) }
                    th.n scope="col" { (text::LONG_RUNS) } th scope="col" { (text::RELEASE) } th scope="col" { (text::STARTED) }
                    th scope="col" { (text::HEARTBEAT) }
                }
            }
            tbody {
                @for worker in workers {
                    tr id={ "w-" (worker.id) } {
                        td {
                            span {
                                b { (worker.host) }
                                @if worker.is_silent { " " span.badge.wrong { (text::SILENT) } }
                                @else if worker.full_since.is_some() { " " span.badge.warning { (text::FULL) } }
                            }
                        }
                        td.n data-l=(text::PROCESS) { (worker.pid) }
                        td data-l=(text::QUEUES) {
                            span { @for (at, queue) in worker.queues.iter().enumerate() { @if at > 0 { ", " } (queue_link(visit, queue)) } }
                        }
                        td.n data-l=(text::JOBS_OF_PERMITS) {
                            (worker.claimed) @if let Some(permits) = worker.permits { " / " (permits) }
                        }
                        td.n data-l=(text::LONG_RUNS) {
                            a href=(back(visit, &format!("state:running worker:{}", worker.id))) {
                                (running.iter().filter(|run| run.worker_id == worker.id).count())
                            }
                        }
                        td data-l=(text::RELEASE) { (worker.release.as_deref().unwrap_or("–")) }
                        td data-l=(text::STARTED) { (time(worker.started_at)) }
                        td data-l=(text::HEARTBEAT) { (time(worker.heartbeat_at)) }
                    }
                }
            }
        }
    }
}

fn runs(visit: &Visit, running: &[RunningJob]) -> Markup {
    let cancel = |run: &RunningJob| {
        let id = run.job_id.to_string();
        visit.link(&with_query(
            "/jobs/confirm",
            &[("verb", "cancel"), ("id", &id), ("q", "state:running")],
        ))
    };
    html! {
        section.card.flush {
            h2 { (text::RUNNING_NOW) }
            table.cards {
                thead {
                    tr {
                        th scope="col" { (text::JOB) } th scope="col" { (text::QUEUE) } th.n scope="col" { (text::ATTEMPT) }
                        th scope="col" { (text::STARTED) } th scope="col" { (text::PROGRESS) } th scope="col" { (text::HOST) }
                        @if visit.may(Right::Cancel) { th { span.hidden-text { (text::ACTS) } } }
                    }
                }
                tbody {
                    @for run in running {
                        tr id={ "r-" (run.job_id) } {
                            td { span {
                                a.row href=(visit.link(&format!("/jobs/{}", run.job_id))) {
                                    @if run.kind.is_empty() { (text::PLAIN_JOB) } @else { (run.kind) }
                                }
                            } }
                            td data-l=(text::QUEUE) { (queue_link(visit, &run.queue)) }
                            td.n data-l=(text::ATTEMPT) { (run.attempt) }
                            td data-l=(text::STARTED) { (time(run.started_at)) }
                            td data-l=(text::PROGRESS) { span { (progress(run, visit.may(Right::SeeContents))) } }
                            td data-l=(text::HOST) { (run.host) " " (run.pid) }
                            @if visit.may(Right::Cancel) {
                                td.acts-cell {
                                    @if run.is_cancelled { span.badge.warning { (text::CANCEL_ASKED) } }
                                    @else { a.button.danger href=(cancel(run)) data-dialog { (text::CANCEL) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
