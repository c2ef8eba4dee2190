//! A job by hand.

use http::StatusCode;
use maud::{Markup, html};
use serde_json::json;
use simple_queue::{KindState, Right};

use crate::{
    parts::{empty, fields, hidden},
    text,
    trouble::Trouble,
    visit::{Json, Made, Visit},
    wire::Params,
};

/// The form, with what was typed and why it cannot be used.
pub(crate) async fn made(
    visit: &Visit,
    typed: &Params,
    problem: Option<&str>,
) -> Result<Made, Trouble> {
    if !visit.may(Right::Insert) {
        return Err(Trouble::NotAllowed(text::may_not(Right::Insert)));
    }
    let kinds = visit.queue.kinds().await?;
    let chosen = typed.get("kind");
    let kind = chosen.and_then(|name| kinds.iter().find(|kind| kind.kind == name));
    let html = || {
        html! {
            div.head { h1 { (text::NEW_JOB) } }
            @if let Some(problem) = problem { p.note.bad role="alert" { (problem) } }
            section.card {
                @if kinds.is_empty() {
                    (empty(text::NO_KINDS, text::NO_KINDS_HOW, Some(text::NO_KINDS_CODE)))
                } @else { (choice(visit, &kinds, chosen)) }
            }
            @if let Some(kind) = kind { section.card { (form(visit, kind, typed)) } }
        }
    };
    let made = visit.made(text::NEW_JOB, html, || {
        Json::of(&json!({ "error": problem, "kind": chosen, "kinds": kinds.iter().map(|it| &it.kind).collect::<Vec<_>>() }))
    });
    let made = made?.still();
    Ok(if problem.is_some() { made.with_status(StatusCode::UNPROCESSABLE_ENTITY) } else { made })
}

fn choice(visit: &Visit, kinds: &[KindState], chosen: Option<&str>) -> Markup {
    html! {
        form.inline action=(visit.link("/new")) {
            label.field {
                (text::KIND)
                select name="kind" data-submit {
                    @if chosen.is_none() { option value="" { (text::CHOOSE) } }
                    @for kind in kinds {
                        option value=(kind.kind) selected[chosen == Some(kind.kind.as_str())] { (kind.kind) }
                    }
                }
            }
            button type="submit" { (text::CHOOSE) }
        }
    }
}

fn form(visit: &Visit, kind: &KindState, typed: &Params) -> Markup {
    html! {
        form.cols method="post" action=(visit.link("/new")) {
            (hidden(&[("kind", &kind.kind)]))
            fieldset.fields.plain-set {
                legend { h2 { (text::ARGUMENTS) } }
                @if kind.arguments.is_empty() { p.soft { (text::NO_ARGUMENTS) } }
                (fields(kind, typed))
            }
            fieldset.fields.plain-set {
                legend { h2 { (text::PLACE) } }
                label.field {
                    (text::QUEUE)
                    input name="queue" value=(typed.get("queue").unwrap_or_default()) placeholder=(kind.queue) autocomplete="off";
                }
                label.field {
                    (text::PRIORITY)
                    input name="priority" type="number" min="-32768" max="32767" placeholder=(kind.priority)
                        value=(typed.get("priority").unwrap_or_default());
                    small { (text::PRIORITY_HOW) }
                }
                label.field {
                    (text::WHEN)
                    input name="at" placeholder=(text::WHEN_EXAMPLE) autocomplete="off" value=(typed.get("at").unwrap_or_default());
                    small { (text::WHEN_HOW) }
                }
            }
            div.acts {
                button.first type="submit" { (text::ENQUEUE) }
                @if kind.workers == 0 { span.badge.warning { (text::NOBODY_SERVES) } }
            }
        }
    }
}
