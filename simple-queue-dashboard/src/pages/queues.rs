//! The queues.

use maud::{Markup, html};
use serde_json::{Value, json};
use simple_queue::{Depth, Pause, QueueState, Right, StatsInterval};

use super::range::span;
use crate::{
    parts::{
        Bars, act_button, back, empty, lasting, number, pick_range, queue_link, sparkline, time,
    },
    text,
    trouble::Trouble,
    visit::{Json, Made, Visit},
    wire::encode,
};

pub(super) async fn made(visit: &Visit) -> Result<Made, Trouble> {
    let queues = visit.queue.queues().await?;
    let (range, word) = span(visit, "1h");
    let stats = visit.queue.stats().by_queue().last(range).await?;
    let html = || {
        html! {
            div.head { h1 { (text::QUEUES) } (pick_range(visit, "/queues", word)) }
            section.card.flush {
                @if queues.is_empty() {
                    (empty(text::NO_QUEUES, text::NO_QUEUES_HOW, Some(text::NO_JOBS_CODE)))
                } @else {
                    table.cards {
                        thead {
                            tr {
                                th scope="col" { (text::QUEUE) }
                                th.n scope="col" { (text::WAITING) }
                                th.n scope="col" { (text::OLDEST) }
                                th.n scope="col" { (text::LATER) }
                                th.n scope="col" { (text::WORKERS) }
                                th.n scope="col" { (text::RUNS_COLUMN) }
                                th scope="col" { (text::HISTORY) }
                                @if visit.may(Right::Control) { th { span.hidden-text { (text::ACTS) } } }
                            }
                        }
                        tbody { @for queue in &queues { (row(visit, queue, &stats, range)) } }
                    }
                }
            }
        }
    };
    visit.made(text::QUEUES, html, || {
        let queues: Vec<_> = queues.iter().map(queue_json).collect();
        Json::of(&json!({ "queues": queues }))
    })
}

fn row(
    visit: &Visit,
    queue: &QueueState,
    stats: &[StatsInterval],
    range: std::time::Duration,
) -> Markup {
    let bars = Bars::of(stats.iter().filter(|it| it.queue == queue.name), range, crate::now());
    let waiting = back(visit, &format!("state:waiting queue:{}", queue.name));
    html! {
        tr id={ "q-" (queue.name) } {
            td {
                span {
                    b { (queue_link(visit, &queue.name)) }
                    @if queue.pause.is_some() { " " span.badge.paused { (text::PAUSED) } }
                    @for pause in &queue.paused_kinds {
                        " " span.badge.paused { (pause.kind.as_deref().unwrap_or_default()) " " (text::PAUSED_LOWER) }
                    }
                }
            }
            td.n data-l=(text::WAITING) {
                @match queue.depth {
                    Some(depth) => a href=(waiting) { (depth.waiting) },
                    None => span.soft { (text::NOT_COUNTED) },
                }
            }
            td.n data-l=(text::OLDEST) { (oldest(queue.depth)) }
            td.n data-l=(text::LATER) { @if let Some(depth) = queue.depth { (depth.later) } }
            td.n data-l=(text::WORKERS) {
                @if queue.workers == 0 { span.badge.warning { (text::NONE) } } @else { (number(queue.workers)) }
            }
            td.n data-l=(text::RUNS_COLUMN) { (number(bars.runs())) }
            td data-l=(text::HISTORY) { (sparkline(&bars, &queue.name)) }
            @if visit.may(Right::Control) {
                td.acts-cell {
                    @let path = format!("/queues/{}/", encode(&queue.name));
                    @if queue.pause.is_some() {
                        (act_button(visit, &(path + "resume"), &[], text::RESUME, ""))
                    } @else {
                        (act_button(visit, &(path + "pause"), &[], text::PAUSE, ""))
                    }
                }
            }
        }
    }
}

/// For how long the oldest waits.
pub(super) fn oldest(depth: Option<Depth>) -> Markup {
    html! { @if let Some(oldest) = depth.and_then(|depth| depth.oldest) { (lasting(oldest)) } }
}

/// When the numbers were taken.
pub(super) fn counted_at(depth: Option<Depth>) -> Markup {
    html! {
        @match depth {
            Some(depth) => small { (text::COUNTED) " " (time(depth.at)) },
            None => small { (text::NOT_COUNTED) },
        }
    }
}

pub(super) fn queue_json(queue: &QueueState) -> Value {
    let depth = queue.depth.map(|depth| {
        json!({
            "at": depth.at, "waiting": depth.waiting.counted(), "later": depth.later.counted(),
            "oldest_s": depth.oldest.map(|it| it.as_secs_f64()),
        })
    });
    let paused: Vec<_> = queue.paused_kinds.iter().map(pause_json).collect();
    json!({
        "name": queue.name, "workers": queue.workers, "depth": depth,
        "pause": queue.pause.as_ref().map(pause_json), "paused_kinds": paused,
    })
}

fn pause_json(pause: &Pause) -> Value {
    json!({
        "kind": pause.kind, "since": pause.since, "until": pause.until, "reason": pause.reason, "by": pause.by,
    })
}
