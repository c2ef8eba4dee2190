//! The kinds of jobs, and one of them.

use maud::{Markup, html};
use serde_json::{Value, json};
use simple_queue::{ErrorGroups, JobFilter, KindArgument, KindState, Pause, Right};

use super::{dead, queue::stats_json, range::span};
use crate::{
    parts::{
        Bars, act_button, back, bars, empty, facts, kind_link, lasting, latencies, number,
        pause_form, pause_words, pick_range, queue_link, sparkline, tile, time,
    },
    text,
    trouble::Trouble,
    visit::{Json, Made, Visit},
    wire::{encode, with_query},
};

pub(super) async fn all(visit: &Visit) -> Result<Made, Trouble> {
    let kinds = visit.queue.kinds().await?;
    let (range, word) = span(visit, "24h");
    let stats = visit.queue.stats().by_kind().last(range).await?;
    let html = || {
        html! {
            div.head { h1 { (text::KINDS) } (pick_range(visit, "/kinds", word)) }
            section.card.flush {
                @if kinds.is_empty() {
                    (empty(text::NO_KINDS, text::NO_KINDS_HOW, Some(text::NO_KINDS_CODE)))
                } @else {
                    table.cards {
                        thead {
                            tr {
                                th scope="col" { (text::KIND) } th scope="col" { (text::QUEUE) }
                                th scope="col" { (text::ARGUMENTS) } th.n scope="col" { (text::WORKERS) }
                                th.n scope="col" { (text::RUNS_COLUMN) } th.n scope="col" { (text::DEAD) }
                                th scope="col" { (text::HISTORY) }
                            }
                        }
                        tbody {
                            @for kind in &kinds {
                                @let made = Bars::of(stats.iter().filter(|it| it.kind == kind.kind), range, crate::now());
                                tr id={ "k-" (kind.kind) } {
                                    td { b { (kind_link(visit, &kind.kind)) } }
                                    td data-l=(text::QUEUE) { (queue_link(visit, &kind.queue)) }
                                    td data-l=(text::ARGUMENTS) { (arguments(&kind.arguments)) }
                                    td.n data-l=(text::WORKERS) {
                                        @if kind.workers == 0 { span.badge.warning { (text::NONE) } } @else { (number(kind.workers)) }
                                    }
                                    td.n data-l=(text::RUNS_COLUMN) { (number(made.runs())) }
                                    td.n data-l=(text::DEAD) { (number(made.dead())) }
                                    td data-l=(text::HISTORY) { (sparkline(&made, &kind.kind)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    visit.made(text::KINDS, html, || {
        let kinds: Vec<_> = kinds.iter().map(kind_json).collect();
        Json::of(&json!({ "kinds": kinds }))
    })
}

fn arguments(arguments: &[KindArgument]) -> Markup {
    html! {
        code.clip {
            @for (at, argument) in arguments.iter().enumerate() {
                @if at > 0 { ", " }
                (argument.name) ": " (argument.ty)
                @if argument.is_redacted { " (" (text::HIDDEN) ")" }
            }
        }
    }
}

fn kind_json(kind: &KindState) -> Value {
    json!({
        "kind": kind.kind, "queue": kind.queue, "version": kind.version, "arguments": kind.arguments,
        "max_attempts": kind.max_attempts, "priority": kind.priority, "timeout_s": kind.timeout_s,
        "aliases": kind.aliases, "declared_in": kind.declared_in, "declared_at": kind.declared_at,
        "updated_at": kind.updated_at, "workers": kind.workers,
    })
}

pub(super) async fn one(visit: &Visit) -> Result<Made, Trouble> {
    let name = visit.part(1).to_owned();
    let kind = visit.queue.kinds().await?.into_iter().find(|kind| kind.kind == name);
    let (range, word) = span(visit, "24h");
    let stats = visit.queue.stats().kind(name.as_str()).last(range).await?;
    if kind.is_none() && stats.is_empty() {
        return Err(Trouble::NoSuch(text::no_such_kind(&name)));
    }
    let pauses: Vec<Pause> = visit
        .queue
        .pauses()
        .await?
        .into_iter()
        .filter(|pause| pause.kind.as_deref() == Some(name.as_str()))
        .collect();
    let groups = if visit.may(Right::SeeContents) {
        let filter = JobFilter::dead().kind(name.as_str()).since(range);
        Some(visit.admin.error_groups(&filter).await?)
    } else {
        None
    };
    let made = Bars::of(&stats, range, crate::now());
    let html = || page(visit, &name, word, kind.as_ref(), &made, &pauses, groups.as_ref());
    visit.made(name.as_str(), html, || {
        let groups: Option<Vec<_>> =
            groups.as_ref().map(|it| it.groups.iter().map(dead::json).collect());
        Json::of(&json!({
            "kind": kind.as_ref().map(kind_json), "stats": stats_json(&stats), "errors": groups,
        }))
    })
}

fn page(
    visit: &Visit,
    name: &str,
    word: &str,
    kind: Option<&KindState>,
    made: &Bars,
    pauses: &[Pause],
    groups: Option<&ErrorGroups>,
) -> Markup {
    let quantile = |share| html! { @match made.run().quantile(share) { Some(it) => (lasting(it)), None => "–" } };
    html! {
        div.head {
            h1 { (name) }
            @if !pauses.is_empty() { span.badge.paused { (text::PAUSED) } }
            div.acts {
                (pick_range(visit, &format!("/kinds/{}", encode(name)), word))
                a.button href=(back(visit, &format!("kind:{name}"))) { (text::ITS_JOBS) }
                @if visit.may(Right::Insert) && kind.is_some() {
                    a.button.first href=(visit.link(&with_query("/new", &[("kind", name)]))) { (text::NEW_JOB) }
                }
            }
        }
        @for pause in pauses { (paused(visit, pause)) }
        div.tiles {
            (tile(text::RUNS_COLUMN, &html! { (number(made.runs())) }))
            (tile(text::RETRIED, &html! { (number(made.retried())) }))
            (tile(text::DEAD, &html! { (number(made.dead())) }))
            (tile("p50", &quantile(0.5))) (tile("p95", &quantile(0.95))) (tile("p99", &quantile(0.99)))
        }
        section.card { h2 { (text::HOW_ENDED) } (bars(made)) }
        section.card { h2 { (text::HOW_LONG) } (latencies(made)) p { small { (text::QUANTILES_ARE) } } }
        @if let Some(groups) = groups { (dead::groups(visit, text::ERRORS, groups)) }
        @if let Some(kind) = kind { (declared(visit, kind, pauses)) }
    }
}

fn paused(visit: &Visit, pause: &Pause) -> Markup {
    let path = format!("/queues/{}/resume", encode(&pause.queue));
    html! {
        div.note.warn {
            div.head {
                p { (queue_link(visit, &pause.queue)) ": " (pause_words(pause)) }
                @if visit.may(Right::Control) {
                    div.acts {
                        (act_button(visit, &path, &[("kind", pause.kind.as_deref().unwrap_or_default())], text::RESUME, ""))
                    }
                }
            }
        }
    }
}

fn declared(visit: &Visit, kind: &KindState, pauses: &[Pause]) -> Markup {
    let is_paused = pauses.iter().any(|pause| pause.queue == kind.queue);
    html! {
        div.cols {
            section.card {
                h2 { (text::DECLARED) }
                (facts(&[
                    (text::QUEUE, Some(queue_link(visit, &kind.queue))),
                    (text::ARGUMENTS, Some(arguments(&kind.arguments))),
                    (text::VERSION, Some(html! { (kind.version) })),
                    (text::ATTEMPTS_ALLOWED, kind.max_attempts.map(|it| html! { (it) })),
                    (text::PRIORITY, Some(html! { (kind.priority) })),
                    (text::TIMEOUT, kind.timeout_s.map(|it| html! { (lasting(std::time::Duration::from_secs(it))) })),
                    (text::ALIASES, (!kind.aliases.is_empty()).then(|| html! { code { (kind.aliases.join(", ")) } })),
                    (text::DECLARED_IN, Some(html! { code { (kind.declared_in) } })),
                    (text::DECLARED_LAST, Some(time(kind.declared_at))),
                ]))
            }
            @if visit.may(Right::Control) && !is_paused {
                section.card {
                    h2 { (text::PAUSE) }
                    (pause_form(visit, &format!("/queues/{}/pause", encode(&kind.queue)), Some(&kind.kind)))
                }
            }
        }
    }
}
