//! One queue.

use maud::{Markup, html};
use serde_json::{Value, json};
use simple_queue::{QueueState, Right, StatsInterval};

use super::{
    queues::{counted_at, oldest, queue_json},
    range::span,
};
use crate::{
    parts::{
        Bars, act_button, back, bars, kind_link, lasting, latencies, number, pause_form,
        pause_words, pick_range, tile,
    },
    text,
    trouble::Trouble,
    visit::{Json, Made, Visit},
    wire::encode,
};

pub(super) async fn made(visit: &Visit) -> Result<Made, Trouble> {
    let name = visit.part(1).to_owned();
    let queue = visit.queue.queues().await?.into_iter().find(|queue| queue.name == name);
    let (range, word) = span(visit, "1h");
    let stats = visit.queue.stats().queue(name.as_str()).by_kind().last(range).await?;
    let Some(queue) = queue else {
        return Err(Trouble::NoSuch(text::no_such_queue(&name)));
    };
    let made = Bars::of(&stats, range, crate::now());
    let html = || {
        html! {
            (head(visit, &queue, word))
            (pauses(visit, &queue))
            (tiles(visit, &queue, &made))
            section.card { h2 { (text::HOW_ENDED) } (bars(&made)) }
            section.card { h2 { (text::HOW_LONG) } (latencies(&made)) }
            (kinds(visit, &queue, &stats))
            @if visit.may(Right::Control) && queue.pause.is_none() {
                section.card { h2 { (text::PAUSE) } (pause_form(visit, &path(&queue, "pause"), None)) }
            }
        }
    };
    visit.made(name.as_str(), html, || {
        Json::of(&json!({ "queue": queue_json(&queue), "stats": stats_json(&stats) }))
    })
}

fn path(queue: &QueueState, act: &str) -> String {
    format!("/queues/{}/{act}", encode(&queue.name))
}

fn head(visit: &Visit, queue: &QueueState, word: &str) -> Markup {
    html! {
        div.head {
            h1 { (queue.name) }
            @if queue.pause.is_some() { span.badge.paused { (text::PAUSED) } }
            div.acts {
                (pick_range(visit, &format!("/queues/{}", encode(&queue.name)), word))
                a.button href=(back(visit, &format!("queue:{}", queue.name))) { (text::ITS_JOBS) }
            }
        }
    }
}

fn pauses(visit: &Visit, queue: &QueueState) -> Markup {
    html! {
        @for pause in queue.pause.iter().chain(&queue.paused_kinds) {
            div.note.warn {
                div.head {
                    p { @if let Some(kind) = &pause.kind { code { (kind) } " " } (pause_words(pause)) }
                    @if visit.may(Right::Control) {
                        div.acts {
                            (act_button(visit, &path(queue, "resume"), &[("kind", pause.kind.as_deref().unwrap_or_default())], text::RESUME, ""))
                        }
                    }
                }
            }
        }
    }
}

fn tiles(visit: &Visit, queue: &QueueState, made: &Bars) -> Markup {
    let waiting = back(visit, &format!("state:waiting queue:{}", queue.name));
    let slowest = |times: &simple_queue::Histogram| {
        html! { @match times.quantile(0.95) { Some(it) => (lasting(it)), None => "–" } }
    };
    html! {
        div.tiles {
            (tile(text::WAITING, &html! { @match queue.depth { Some(it) => a href=(waiting) { (it.waiting) }, None => "–" } }))
            (tile(text::OLDEST, &html! { @if queue.depth.and_then(|it| it.oldest).is_some() { (oldest(queue.depth)) } @else { "–" } }))
            (tile(text::LATER, &html! { @match queue.depth { Some(it) => (it.later), None => "–" } }))
            (tile(text::WORKERS, &html! { (number(queue.workers)) }))
            (tile(text::RUNS_COLUMN, &html! { (number(made.runs())) }))
            (tile(text::DEAD, &html! { (number(made.dead())) }))
            (tile(text::RUN_P95, &slowest(made.run())))
            (tile(text::WAIT_P95, &slowest(made.wait())))
        }
        p { (counted_at(queue.depth)) }
    }
}

/// What ran of each kind.
fn kinds(visit: &Visit, queue: &QueueState, stats: &[StatsInterval]) -> Markup {
    let mut names: Vec<&str> = stats.iter().map(|it| it.kind.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let is_paused =
        |kind: &str| queue.paused_kinds.iter().any(|it| it.kind.as_deref() == Some(kind));
    html! {
        @if !names.is_empty() {
            section.card.flush {
                h2 { (text::KINDS) }
                table.cards {
                    thead {
                        tr {
                            th scope="col" { (text::KIND) } th.n scope="col" { (text::RUNS_COLUMN) }
                            th.n scope="col" { (text::RETRIED) } th.n scope="col" { (text::DEAD) }
                            th.n scope="col" { (text::RUN_P95) }
                            @if visit.may(Right::Control) { th { span.hidden-text { (text::ACTS) } } }
                        }
                    }
                    tbody {
                        @for name in names {
                            @let made = Bars::of(stats.iter().filter(|it| it.kind == name), std::time::Duration::from_hours(24 * 31), crate::now());
                            tr {
                                td { (kind_link(visit, name)) }
                                td.n data-l=(text::RUNS_COLUMN) { (number(made.runs())) }
                                td.n data-l=(text::RETRIED) { (number(made.retried())) }
                                td.n data-l=(text::DEAD) { (number(made.dead())) }
                                td.n data-l=(text::RUN_P95) { @if let Some(it) = made.run().quantile(0.95) { (lasting(it)) } }
                                @if visit.may(Right::Control) {
                                    td.acts-cell {
                                        @if !name.is_empty() && !is_paused(name) {
                                            (act_button(visit, &path(queue, "pause"), &[("kind", name)], text::PAUSE, ""))
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn stats_json(stats: &[StatsInterval]) -> Value {
    let millis = |time: Option<std::time::Duration>| time.map(|it| it.as_secs_f64() * 1000.0);
    let intervals = stats.iter().map(|it| {
        json!({
            "at": it.at, "width_s": it.width.as_secs(), "queue": it.queue, "kind": it.kind, "runs": it.runs,
            "completed": it.completed, "retried": it.retried, "snoozed": it.snoozed, "dead": it.dead,
            "cancelled": it.cancelled, "wait_p95_ms": millis(it.wait.quantile(0.95)),
            "run_p50_ms": millis(it.run.quantile(0.5)), "run_p95_ms": millis(it.run.quantile(0.95)),
            "run_p99_ms": millis(it.run.quantile(0.99)),
        })
    });
    intervals.collect()
}
