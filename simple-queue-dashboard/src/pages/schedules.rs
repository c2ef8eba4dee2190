//! The schedules.

use maud::{Markup, html};
use serde_json::{Value, json};
use simple_queue::{Right, ScheduleState};

use crate::{
    parts::{act_button, empty, kind_link, queue_link, time},
    text,
    trouble::Trouble,
    visit::{Json, Made, Visit},
    wire::encode,
};

pub(super) async fn made(visit: &Visit) -> Result<Made, Trouble> {
    let schedules = visit.admin.schedules().list().await?;
    let html = || {
        html! {
            div.head { h1 { (text::SCHEDULES) } }
            section.card.flush {
                @if schedules.is_empty() {
                    (empty(text::NO_SCHEDULES, text::NO_SCHEDULES_HOW, Some(text::NO_SCHEDULES_CODE)))
                } @else {
                    table.cards {
                        thead {
                            tr {
                                th scope="col" { (text::SCHEDULE) } th scope="col" { (text::RULE) }
                                th scope="col" { (text::NEXT) } th scope="col" { (text::LAST) }
                                @if visit.may(Right::Control) { th { span.hidden-text { (text::ACTS) } } }
                            }
                        }
                        tbody { @for schedule in &schedules { (row(visit, schedule)) } }
                    }
                }
            }
        }
    };
    visit.made(text::SCHEDULES, html, || {
        let schedules: Vec<_> = schedules.iter().map(json).collect();
        Json::of(&json!({ "schedules": schedules }))
    })
}

fn row(visit: &Visit, it: &ScheduleState) -> Markup {
    html! {
        tr id={ "s-" (it.name) } {
            td {
                span {
                    b { (it.name) }
                    @if it.paused_at.is_some() { " " span.badge.paused { (text::PAUSED) } }
                    @if it.is_undeclared { " " span.badge.warning { (text::UNDECLARED) } }
                    br;
                    small { (kind_link(visit, &it.kind)) " · " (queue_link(visit, &it.queue)) }
                }
            }
            td data-l=(text::RULE) {
                span {
                    @match (&it.schedule, &it.problem) {
                        (Some(rule), _) => { (rule.describe()) br; small.mono { (rule) } },
                        (None, Some(problem)) => span.error { (problem) },
                        (None, None) => {},
                    }
                    @if it.is_set { " " span.badge { (text::SET_BY_HAND) } }
                }
            }
            td data-l=(text::NEXT) { (next(it)) }
            td data-l=(text::LAST) {
                @if let Some(at) = it.last_at {
                    @match it.last_job {
                        Some(job) => a href=(visit.link(&format!("/jobs/{job}"))) { (time(at)) },
                        None => (time(at)),
                    }
                }
                @if it.waiting > 0 { " " small { (text::ticks_wait(it.waiting)) } }
            }
            @if visit.may(Right::Control) { td.acts-cell { (acts(visit, it)) } }
        }
    }
}

fn next(it: &ScheduleState) -> Markup {
    html! {
        div {
            @if let Some(first) = it.next.first() { (time(first.at)) }
            @if it.next.len() > 1 {
                details.more {
                    summary { small { (text::THEN) } }
                    @for tick in it.next.iter().skip(1) { div { (time(tick.at)) } }
                }
            }
        }
    }
}

fn acts(visit: &Visit, it: &ScheduleState) -> Markup {
    let path = |act: &str| format!("/schedules/{}/{act}", encode(&it.name));
    html! {
        div.acts {
            (act_button(visit, &path("run-now"), &[], text::RUN_NOW, ""))
            @if it.paused_at.is_some() {
                (act_button(visit, &path("resume"), &[], text::RESUME, ""))
            } @else {
                (act_button(visit, &path("pause"), &[], text::PAUSE, ""))
            }
            @if it.is_set { (act_button(visit, &path("reset"), &[], text::RESET, "")) }
            @if it.is_undeclared { (act_button(visit, &path("remove"), &[], text::REMOVE, "danger")) }
        }
    }
}

fn json(it: &ScheduleState) -> Value {
    let next: Vec<_> = it.next.iter().map(|tick| tick.at).collect();
    json!({
        "name": it.name, "queue": it.queue, "kind": it.kind,
        "rule": it.schedule.as_ref().map(ToString::to_string),
        "words": it.schedule.as_ref().map(simple_queue::Schedule::describe), "problem": it.problem,
        "is_set": it.is_set, "next": next, "last_at": it.last_at, "last_job": it.last_job,
        "waiting": it.waiting, "paused_at": it.paused_at, "declared_at": it.declared_at,
        "is_undeclared": it.is_undeclared,
    })
}
