//! Dead letters, by kind and error.

use maud::{Markup, html};
use serde_json::{Value, json};
use simple_queue::{ErrorGroup, ErrorGroups, JobFilter, Right};

use super::range::span;
use crate::{
    parts::{back, empty, kind_link, number, pick_range, time},
    text,
    trouble::Trouble,
    visit::{Json, Made, Visit},
    wire::with_query,
};

pub(super) async fn made(visit: &Visit) -> Result<Made, Trouble> {
    if !visit.may(Right::SeeContents) {
        return Err(Trouble::NotAllowed(text::NO_CONTENTS.to_owned()));
    }
    let (range, word) = span(visit, "7d");
    let found = visit.admin.error_groups(&JobFilter::dead().since(range)).await?;
    let html = || {
        html! {
            div.head {
                h1 { (text::DEAD_LETTERS) }
                div.acts {
                    (pick_range(visit, "/dead", word))
                    a.button href=(back(visit, "state:dead")) { (text::ALL_OF_THEM) }
                }
            }
            @if found.groups.is_empty() {
                section.card { (empty(text::NONE_DEAD, text::NONE_DEAD_HOW, None)) }
            } @else {
                (groups(visit, text::BY_ERROR, &found))
            }
        }
    };
    visit.made(text::DEAD_LETTERS, html, || {
        let groups: Vec<_> = found.groups.iter().map(json).collect();
        Json::of(
            &json!({ "groups": groups, "looked_at": found.looked_at, "complete": found.complete }),
        )
    })
}

pub(super) fn groups(visit: &Visit, title: &str, found: &ErrorGroups) -> Markup {
    html! {
        @if !found.groups.is_empty() {
            section.card.flush {
                h2 { (title) }
                table.cards {
                    thead {
                        tr {
                            th.n scope="col" { (text::COUNT) } th scope="col" { (text::ERROR) }
                            th scope="col" { (text::KIND) } th scope="col" { (text::FIRST) } th scope="col" { (text::LAST) }
                            th { span.hidden-text { (text::ACTS) } }
                        }
                    }
                    tbody { @for group in &found.groups { (row(visit, group)) } }
                }
            }
            @if !found.complete { p.soft { (text::looked_at(&number(found.looked_at), false)) } }
        }
    }
}

fn row(visit: &Visit, group: &ErrorGroup) -> Markup {
    let filter = group.filter().to_string();
    let ask = |verb: &str| {
        visit.link(&with_query("/jobs/confirm", &[("verb", verb), ("all", "1"), ("q", &filter)]))
    };
    html! {
        tr {
            td.n data-l=(text::COUNT) { b { (number(group.count)) } }
            td { a.row href=(back(visit, &filter)) { span.error { @if group.key.is_empty() { "–" } @else { (group.key) } } } }
            td data-l=(text::KIND) { (kind_link(visit, &group.kind)) }
            td data-l=(text::FIRST) { (time(group.first_at)) }
            td data-l=(text::LAST) { a href=(visit.link(&format!("/jobs/{}", group.sample_id))) { (time(group.last_at)) } }
            td.acts-cell {
                div.acts {
                    @if visit.may(Right::Retry) { a.button href=(ask("retry")) data-dialog { (text::RETRY) } }
                    @if visit.may(Right::Delete) { a.button.danger href=(ask("delete")) data-dialog { (text::DELETE) } }
                }
            }
        }
    }
}

pub(super) fn json(group: &ErrorGroup) -> Value {
    json!({
        "kind": group.kind, "key": group.key, "count": group.count, "first_at": group.first_at,
        "last_at": group.last_at, "sample_id": group.sample_id, "filter": group.filter().to_string(),
    })
}
