//! What operators did, and acts on many jobs that go on.

use maud::{Markup, html};
use serde_json::{Value, json};
use simple_queue::{ActRecord, ActState};
use uuid::Uuid;

use crate::{
    parts::{act_button, back, empty, facts, number, tile, time},
    text,
    trouble::Trouble,
    visit::{Json, Made, Visit},
    wire::with_query,
};

/// 50 acts on a page.
const ON_A_PAGE: usize = 50;

pub(super) async fn all(visit: &Visit) -> Result<Made, Trouble> {
    let before = visit.query().get("before").map(str::parse::<Uuid>).transpose();
    let before = before.map_err(|problem| Trouble::Typed(problem.to_string()))?;
    let acts = visit.admin.acts(before, ON_A_PAGE).await?;
    let next = acts.last().filter(|_| acts.len() == ON_A_PAGE).map(|act| act.id);
    let html = || {
        html! {
            div.head { h1 { (text::ACTIONS) } }
            section.card.flush {
                @if acts.is_empty() { (empty(text::NO_ACTIONS, text::NO_ACTIONS_HOW, None)) }
                @else { (table(visit, &acts)) }
            }
            @if let Some(next) = next {
                div.pager { a.button href=(visit.link(&with_query("/actions", &[("before", &next.to_string())]))) { (text::OLDER) } }
            }
        }
    };
    visit.made(text::ACTIONS, html, || {
        let acts: Vec<_> = acts.iter().map(json).collect();
        Json::of(&json!({ "acts": acts, "next": next }))
    })
}

/// What was done to one job.
pub(super) fn of_job(visit: &Visit, acts: &[ActRecord]) -> Markup {
    html! { section.card.flush { h2 { (text::ACTIONS) } (table(visit, acts)) } }
}

fn table(visit: &Visit, acts: &[ActRecord]) -> Markup {
    html! {
        table.cards {
            thead {
                tr {
                    th scope="col" { (text::ACTION) } th scope="col" { (text::TARGET) } th scope="col" { (text::WHO) }
                    th.n scope="col" { (text::DONE_COUNT) } th scope="col" { (text::TIME) }
                }
            }
            tbody {
                @for act in acts {
                    tr id={ "a-" (act.id) } {
                        td {
                            span {
                                a.row href=(visit.link(&format!("/actions/{}", act.id))) { (text::action(&act.action)) }
                                " " (state(act))
                            }
                        }
                        td data-l=(text::TARGET) { span { (target(visit, act)) } }
                        td data-l=(text::WHO) { (act.actor) }
                        td.n data-l=(text::DONE_COUNT) {
                            (number(act.done)) @if act.left_alone > 0 { small { ", " (text::left(&number(act.left_alone))) } }
                        }
                        td data-l=(text::TIME) { (time(act.created_at)) }
                    }
                }
            }
        }
    }
}

fn state(act: &ActRecord) -> Markup {
    let class = match act.state {
        ActState::Running => "running",
        ActState::Stopped => "warning",
        ActState::Failed => "wrong",
        _ if act.left_alone > 0 && act.done == 0 => "warning",
        _ => return html! {},
    };
    let words = if act.state == ActState::Done {
        text::LEFT_ALONE.to_owned()
    } else {
        act.state.to_string()
    };
    html! { span class={ "badge " (class) } { (words) } }
}

/// To what it was done, as a link where it is jobs.
fn target(visit: &Visit, act: &ActRecord) -> Markup {
    let is_filter = !act.target.starts_with("limit:") && !act.target.starts_with("schedule:");
    html! {
        @match act.job_id {
            Some(id) => a.mono href=(visit.link(&format!("/jobs/{id}"))) { "…" (id.to_string().get(28..).unwrap_or_default()) },
            None if is_filter => a.mono href=(back(visit, &act.target)) { (act.target) },
            None => span.mono { (act.target) },
        }
        @if let Some(arguments) = &act.arguments { " " small.mono { (arguments) } }
    }
}

pub(super) async fn one(visit: &Visit, id: Uuid) -> Result<Made, Trouble> {
    let found = visit.admin.act(id).await?;
    let act = found.ok_or_else(|| Trouble::NoSuch(text::NO_SUCH_ACT.to_owned()))?;
    let html = || {
        html! {
            div.head {
                h1 { (text::action(&act.action)) }
                (state(&act))
                div.acts {
                    @if act.state == ActState::Running && act.job_id.is_none() {
                        (act_button(visit, &format!("/actions/{id}/stop"), &[], text::STOP, "danger"))
                    }
                    @if act.state == ActState::Stopped {
                        (act_button(visit, &format!("/actions/{id}/resume"), &[], text::GO_ON, "first"))
                    }
                    a.button href=(visit.link("/actions")) { (text::ALL_ACTIONS) }
                }
            }
            div.tiles {
                (tile(text::DONE_COUNT, &html! { (number(act.done)) }))
                (tile(text::LEFT_ALONE, &html! { (number(act.left_alone)) }))
                (tile(text::LOOKED_AT, &html! { (number(act.looked_at)) }))
            }
            section.card {
                (facts(&[
                    (text::STATE, Some(html! { (act.state) })),
                    (text::TARGET, Some(target(visit, &act))),
                    (text::WHO, Some(html! { (act.actor) })),
                    (text::BEGAN, Some(time(act.created_at))),
                    (text::ENDED, act.ended_at.map(time)),
                    (text::PROBLEM, act.note.as_ref().map(|note| html! { span.error { (note) } })),
                ]))
            }
            @if !act.left.is_empty() {
                section.card {
                    h2 { (text::LEFT_ALONE) }
                    ul {
                        @for (id, why) in &act.left {
                            li { a.mono href=(visit.link(&format!("/jobs/{id}"))) { (id) } ": " (why) }
                        }
                    }
                }
            }
        }
    };
    visit.made(text::action(&act.action), html, || Json::of(&json(&act)))
}

pub(super) fn json(act: &ActRecord) -> Value {
    let left: Vec<_> =
        act.left.iter().map(|(id, why)| json!({ "id": id, "why": why.to_string() })).collect();
    json!({
        "id": act.id, "actor": act.actor, "action": act.action, "target": act.target, "job_id": act.job_id,
        "arguments_text": act.arguments, "state": act.state.to_string(), "looked_at": act.looked_at,
        "done": act.done, "left_alone": act.left_alone, "left": left, "note": act.note,
        "created_at": act.created_at, "updated_at": act.updated_at, "ended_at": act.ended_at,
    })
}
