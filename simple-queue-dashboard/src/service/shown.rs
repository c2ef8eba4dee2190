//! What surrounds a page, and what is shown instead of one.

use chrono::{DateTime, Utc};
use http::StatusCode;
use maud::{Markup, PreEscaped, html};

use crate::{
    gate::Visitor,
    pages::Page,
    parts::{Frame, bare_page, page_of, time},
    settings::Settings,
    text,
    trouble::Trouble,
    visit::{Made, Visit},
    wire::{Answer, Format},
};

/// A page that was made.
pub(super) fn page(visitor: &Visitor, visit: &Visit, page: &Page, made: &Made) -> Answer {
    if visit.asked.format == Format::Json {
        return Answer::json(made.status, made.body.clone());
    }
    let note = said(visit);
    let main = html! {
        @if let Some(note) = note { p.note.good role="status" { (note) } }
        (PreEscaped(&made.body))
    };
    framed(visitor, visit, Some(page), &made.title, made.is_live, made.status, &main)
}

/// A page as it was, because the database is away.
pub(super) fn stale(
    visitor: &Visitor,
    visit: &Visit,
    page: &Page,
    trouble: &Trouble,
    at: DateTime<Utc>,
    last: &Made,
) -> Answer {
    if visit.asked.format == Format::Json {
        return self::trouble(visitor, visit, Some(page), trouble);
    }
    let main = html! {
        p.note.bad role="alert" {
            (text::AWAY) " " (text::AS_OF) " " (time(at)) ", " (text::TRYING) " "
            small { (trouble.words()) }
        }
        div.stale { (PreEscaped(&last.body)) }
    };
    framed(visitor, visit, Some(page), &last.title, true, trouble.status(), &main)
}

/// What is said instead of a page.
pub(super) fn trouble(
    visitor: &Visitor,
    visit: &Visit,
    page: Option<&Page>,
    trouble: &Trouble,
) -> Answer {
    let status = trouble.status();
    if visit.asked.format == Format::Json {
        return as_json(trouble);
    }
    let sample = visit.sample.as_ref().filter(|_| trouble.is_away());
    let main = html! {
        h1 { (trouble.title()) }
        p.note.bad role="alert" { (trouble.words()) }
        @if let Some(sample) = sample {
            section.card {
                p { (text::LAST_NUMBERS) " " (time(sample.at)) }
                ul.chips {
                    @for (words, count) in [
                        (text::WAITING, sample.waiting), (text::LATER, sample.later),
                        (text::RUNNING, sample.running), (text::DEAD, sample.dead),
                    ] {
                        li { span.badge { (words) " " (count) } }
                    }
                }
            }
        }
        @if trouble.is_away() { p.soft { (text::TRYING_ALWAYS) } }
        @else { p { a.button href=(visit.link("/jobs")) { (text::TO_JOBS) } } }
    };
    framed(visitor, visit, page, trouble.title(), trouble.is_away(), status, &main)
}

fn framed(
    visitor: &Visitor,
    visit: &Visit,
    page: Option<&Page>,
    title: &str,
    is_live: bool,
    status: StatusCode,
    main: &Markup,
) -> Answer {
    let frame = Frame {
        settings: &visit.settings,
        visitor: &visitor.name,
        rights: visit.rights(),
        here: page.map(Page::tab),
        title,
        is_live,
    };
    let main = frame.main(main);
    if visit.asked.format == Format::Patch {
        return Answer::patch(status, main.into_string(), visit.asked.known.as_deref());
    }
    Answer::page(status, page_of(&frame, &main).into_string())
}

/// What an act did, as the address of the page after it says.
fn said(visit: &Visit) -> Option<&'static str> {
    text::said(visit.query().get("said")?)
}

/// To a visitor who was refused.
pub(super) fn bare(settings: &Settings, format: Format, trouble: &Trouble) -> Answer {
    if format != Format::Page {
        return as_json(trouble);
    }
    let main = html! {
        h1 { (trouble.title()) }
        p { (trouble.words()) }
    };
    Answer::page(trouble.status(), bare_page(settings, trouble.title(), &main).into_string())
}

/// To every visitor, while no gate is set.
pub(super) fn closed(settings: &Settings) -> Answer {
    let main = html! {
        h1 { (text::CLOSED) }
        p { (text::CLOSED_WHY) }
        pre { (text::CLOSED_LINES) }
        p { (text::CLOSED_OR) }
        pre { (text::CLOSED_OPEN) }
    };
    Answer::page(StatusCode::FORBIDDEN, bare_page(settings, text::CLOSED, &main).into_string())
}

fn as_json(trouble: &Trouble) -> Answer {
    let json = serde_json::json!({ "error": trouble.words() });
    Answer::json(trouble.status(), json.to_string())
}
