//! Small things that many pages show.

use maud::{Markup, html};
use simple_queue::{Count, JobRow, Pause};

use super::when::time;
use crate::{
    text,
    visit::Visit,
    wire::{encode, with_query},
};

/// A number in groups of three digits.
pub(crate) fn number(number: u64) -> String {
    Count::Exact(number).to_string()
}

/// A job by its kind, with the end of its id.
pub(crate) fn job_link(visit: &Visit, job: &JobRow) -> Markup {
    let id = job.id.to_string();
    let name = if job.kind.is_empty() { text::PLAIN_JOB } else { &job.kind };
    html! {
        a.row href=(visit.link(&format!("/jobs/{id}"))) { (name) }
        " " small.mono title=(id) { "…" (id.get(28..).unwrap_or_default()) }
    }
}

pub(crate) fn queue_link(visit: &Visit, name: &str) -> Markup {
    html! { a href=(visit.link(&format!("/queues/{}", encode(name)))) { (name) } }
}

/// The kind, or what a job without one is called.
pub(crate) fn kind_link(visit: &Visit, name: &str) -> Markup {
    html! {
        @if name.is_empty() { span.soft { (text::PLAIN_JOB) } }
        @else { a href=(visit.link(&format!("/kinds/{}", encode(name)))) { (name) } }
    }
}

/// The list of jobs of a filter.
pub(crate) fn back(visit: &Visit, filter: &str) -> String {
    visit.link(&with_query("/jobs", &[("q", filter)]))
}

/// What would be here, and the line that makes it.
pub(crate) fn empty(what: &str, how: &str, code: Option<&str>) -> Markup {
    html! {
        div.empty {
            b { (what) }
            p { (how) }
            @if let Some(code) = code { code { (code) } }
        }
    }
}

pub(crate) fn tile(words: &str, value: &Markup) -> Markup {
    html! { div.tile { small { (words) } b { (value) } } }
}

/// Names and values; those without a value are left out.
pub(crate) fn facts(facts: &[(&str, Option<Markup>)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in facts {
                @if let Some(value) = value { dt { (name) } dd { (value) } }
            }
        }
    }
}

/// Since when, by whom, until when and why something is paused.
pub(crate) fn pause_words(pause: &Pause) -> Markup {
    html! {
        (text::PAUSED) " " (time(pause.since))
        @if let Some(by) = &pause.by { " " (text::BY) " " (by) }
        @if let Some(until) = pause.until { ", " (text::UNTIL) " " (time(until)) }
        @if let Some(reason) = &pause.reason { ": " (reason) }
    }
}

/// A share in whole percents.
pub(crate) fn of_share(share: f64) -> String {
    format!("{:.0} %", share.clamp(0.0, 1.0) * 100.0)
}
