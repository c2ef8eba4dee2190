//! The list of jobs.

use http::StatusCode;
use maud::{Markup, html};
use serde_json::json;
use simple_queue::{Count, Cursor, JobFilter, Page, Right};

use super::rows;
use crate::{
    parts::{empty, hidden, number, state_word, terms, with_state, without_term},
    sample::Sample,
    text,
    trouble::Trouble,
    visit::{Json, Made, Visit},
    wire::with_query,
};

/// 50 jobs on a page.
const ON_A_PAGE: usize = 50;

pub(super) async fn made(visit: &Visit) -> Result<Made, Trouble> {
    let typed = visit.query().get("q").unwrap_or_default();
    let filter: JobFilter = match typed.parse() {
        Ok(filter) => filter,
        Err(error) => return misread(visit, typed, &error.to_string()),
    };
    let after = visit.query().get("after").map(str::parse::<Cursor>).transpose();
    let after = after.map_err(|problem| Trouble::Typed(problem.to_string()))?;
    let mut find = visit.admin.find(&filter).limit(ON_A_PAGE);
    if let Some(after) = after {
        find = find.after(after);
    }
    if visit.settings.has_arguments_in_lists && visit.may(Right::SeeContents) {
        find = find.with_contents();
    }
    let page = match find.await {
        Ok(page) => page,
        Err(error @ simple_queue::Error::NotAllowed { .. }) => {
            return misread(visit, typed, &error.to_string());
        }
        Err(error) => return Err(error.into()),
    };
    let html = || {
        html! {
            (head(visit))
            (rail(visit, typed, visit.sample.as_deref()))
            (search(visit, typed, None))
            (list(visit, typed, &page))
        }
    };
    visit.made(text::JOBS, html, || {
        let jobs: Vec<_> = page.jobs.iter().map(rows::json).collect();
        Json::of(&json!({
            "filter": filter.to_string(), "jobs": jobs, "looked_at": page.looked_at,
            "complete": page.complete, "next": page.next.as_ref().map(Cursor::to_string),
            "counts": visit.sample.as_deref().map(counts),
        }))
    })
}

/// A filter that cannot be read, or that the visitor may not use.
fn misread(visit: &Visit, typed: &str, problem: &str) -> Result<Made, Trouble> {
    let html = || {
        html! {
            (head(visit))
            (rail(visit, "", visit.sample.as_deref()))
            (search(visit, typed, Some(problem)))
        }
    };
    let made = visit.made(text::JOBS, html, || Json::of(&json!({ "error": problem })))?;
    Ok(made.still().with_status(StatusCode::UNPROCESSABLE_ENTITY))
}

fn head(visit: &Visit) -> Markup {
    html! {
        div.head {
            h1 { (text::JOBS) }
            @if visit.may(Right::Insert) {
                div.acts { a.button href=(visit.link("/new")) { (text::NEW_JOB) } }
            }
        }
    }
}

fn counts(sample: &Sample) -> serde_json::Value {
    let count = |count: Count| json!({ "count": count.counted(), "exact": matches!(count, Count::Exact(_)) });
    json!({
        "at": sample.at, "waiting": count(sample.waiting), "later": count(sample.later),
        "running": count(sample.running), "done": count(sample.done), "dead": count(sample.dead),
    })
}

/// The states, each with how many jobs there are in it.
fn rail(visit: &Visit, typed: &str, sample: Option<&Sample>) -> Markup {
    let here = state_word(typed);
    let states = [
        ("any", text::ALL, None),
        ("waiting", text::WAITING, sample.map(|it| it.waiting)),
        ("later", text::LATER, sample.map(|it| it.later)),
        ("running", text::RUNNING, sample.map(|it| it.running)),
        ("done", text::DONE, sample.map(|it| it.done)),
        ("dead", text::DEAD, sample.map(|it| it.dead)),
    ];
    html! {
        nav.rail aria-label=(text::STATES) {
            @for (word, words, count) in states {
                @let current = (word == here).then_some("page");
                a href=(visit.link(&with_query("/jobs", &[("q", &with_state(typed, word))]))) aria-current=[current] {
                    (words)
                    @if let Some(count) = count { span.count { (count) } }
                }
            }
        }
    }
}

fn search(visit: &Visit, typed: &str, problem: Option<&str>) -> Markup {
    let suggest = |term: String| if typed.is_empty() { term } else { format!("{typed} {term}") };
    let names = visit.sample.iter().map(|sample| &sample.names);
    let queues = names.clone().flat_map(|names| &names.queues).take(20);
    let queues = queues.map(|queue| format!("queue:{queue}"));
    let kinds = names.flat_map(|names| &names.kinds).take(30).map(|kind| format!("kind:{kind}"));
    let others = text::SEARCH_TERMS.iter().map(|term| (*term).to_owned());
    let terms = terms(typed);
    html! {
        form.search role="search" action=(visit.link("/jobs")) {
            input #q type="search" name="q" value=(typed) list="terms" aria-label=(text::SEARCH)
                placeholder=(text::SEARCH_EXAMPLE) autocomplete="off" autocapitalize="off" spellcheck="false"
                aria-invalid=[problem.map(|_| "true")] aria-describedby=[problem.map(|_| "q-problem")];
            datalist #terms { @for term in queues.chain(kinds).chain(others) { option value=(suggest(term)) {} } }
            button type="submit" { (text::SEARCH) }
        }
        @if let Some(problem) = problem { p.note.bad #q-problem role="alert" { (problem) } }
        @if terms.len() > 1 || (terms.len() == 1 && state_word(typed) == "any") {
            ul.chips aria-label=(text::TERMS) {
                @for (position, term) in terms.iter().enumerate() {
                    li.chip {
                        (term) " "
                        a aria-label=(text::take_out(term))
                            href=(visit.link(&with_query("/jobs", &[("q", &without_term(typed, position))]))) { "✕" }
                    }
                }
            }
        }
    }
}

fn list(visit: &Visit, typed: &str, page: &Page) -> Markup {
    let is_first = !visit.query().has("after");
    if page.jobs.is_empty() && page.complete && is_first {
        let (what, how, code) = match (typed, state_word(typed)) {
            ("", _) => (text::NO_JOBS, text::NO_JOBS_HOW, Some(text::NO_JOBS_CODE)),
            ("state:dead", _) => (text::NONE_DEAD, text::NONE_DEAD_HOW, None),
            (_, state) if terms(typed).len() == 1 && state != "any" => {
                (text::NONE_IN_STATE, text::NONE_IN_STATE_HOW, None)
            }
            _ => (text::NONE_MATCHES, text::NONE_MATCHES_HOW, None),
        };
        return html! { section.card { (empty(what, how, code)) } };
    }
    let is_picked = rows::can_pick(visit);
    html! {
        form #bulk action=(visit.link("/jobs/confirm")) data-dialog {
            section.card.flush {
                (hidden(&[("q", typed)]))
                @if is_picked { (bulk(visit, typed)) }
                (rows::table(visit, &page.jobs, is_picked))
            }
        }
        (pager(visit, typed, page, is_first))
    }
}

/// What can be done to those that are picked.
fn bulk(visit: &Visit, typed: &str) -> Markup {
    let state = state_word(typed);
    let is_live = matches!(state, "any" | "live" | "waiting" | "later" | "running");
    let is_dead = matches!(state, "any" | "dead");
    let acts = [
        ("retry", text::RETRY, Right::Retry, is_dead),
        ("run-now", text::RUN_NOW, Right::Move, is_live && state != "running"),
        ("move", text::MOVE, Right::Move, is_live && state != "running"),
        ("priority", text::PRIORITY, Right::Move, is_live && state != "running"),
        ("run-at", text::RUN_LATER, Right::Move, is_live && state != "running"),
        ("cancel", text::CANCEL, Right::Cancel, is_live),
        ("delete", text::DELETE, Right::Delete, is_dead || (is_live && state != "running")),
    ];
    let acts = acts.into_iter().filter(|(_, _, right, fits)| *fits && visit.may(*right));
    let acts: Vec<_> = acts.collect();
    html! {
        @if !acts.is_empty() {
            div.bar #bulk-bar data-none=(text::PICK_SOME) data-some=(text::PICKED) {
                @for (verb, words, _, _) in &acts {
                    @let class = matches!(*verb, "cancel" | "delete").then_some("danger");
                    button type="submit" name="verb" value=(verb) class=[class] { (words) }
                }
                label { input #all-matching type="checkbox" name="all" value="1"; (text::ALL_MATCHING) }
                small #picked { (text::PICK_SOME) }
            }
        }
    }
}

fn pager(visit: &Visit, typed: &str, page: &Page, is_first: bool) -> Markup {
    html! {
        div.pager {
            @if !is_first {
                a.button href=(visit.link(&with_query("/jobs", &[("q", typed)]))) { (text::FIRST_PAGE) }
            }
            @if let Some(next) = &page.next {
                a.button href=(visit.link(&with_query("/jobs", &[("q", typed), ("after", &next.to_string())]))) {
                    @if page.jobs.is_empty() { (text::LOOK_FURTHER) } @else { (text::NEXT_PAGE) }
                }
            }
            small { (text::looked_at(&number(page.looked_at), page.complete)) }
        }
    }
}
