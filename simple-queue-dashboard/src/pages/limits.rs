//! The limits, and the keys of one.

use maud::{Markup, html};
use serde_json::{Value, json};
use simple_queue::{LimitKey, LimitState, RateState, Right};

use crate::{
    parts::{act_button, empty, hidden, number, time},
    text,
    trouble::Trouble,
    visit::{Json, Made, Visit},
    wire::{encode, with_query},
};

/// 100 keys on a page.
const KEYS: u32 = 100;

pub(super) async fn all(visit: &Visit) -> Result<Made, Trouble> {
    let limits = visit.admin.limits().list().await?;
    let html = || {
        html! {
            div.head { h1 { (text::LIMITS) } }
            section.card.flush {
                @if limits.is_empty() {
                    (empty(text::NO_LIMITS, text::NO_LIMITS_HOW, Some(text::NO_LIMITS_CODE)))
                } @else {
                    table.cards {
                        thead {
                            tr {
                                th scope="col" { (text::LIMIT) } th scope="col" { (text::IN_USE) }
                                th.n scope="col" { (text::DECLARED) } th scope="col" { (text::RATE) }
                                th scope="col" { (text::USED_BY) }
                                @if visit.may(Right::Control) { th { span.hidden-text { (text::ACTS) } } }
                            }
                        }
                        tbody { @for limit in &limits { (row(visit, limit)) } }
                    }
                }
            }
        }
    };
    visit.made(text::LIMITS, html, || {
        let limits: Vec<_> = limits.iter().map(limit_json).collect();
        Json::of(&json!({ "limits": limits }))
    })
}

/// Whether it holds for each key.
fn has_keys(name: &str) -> bool {
    ["key:", "order:", "fair:"].iter().any(|prefix| name.starts_with(prefix))
}

fn path(name: &str, act: &str) -> String {
    format!("/limits/{}/{act}", encode(name))
}

fn row(visit: &Visit, limit: &LimitState) -> Markup {
    html! {
        tr id={ "l-" (limit.name) } {
            td {
                span {
                    @if has_keys(&limit.name) && visit.may(Right::SeeContents) {
                        b { a href=(visit.link(&format!("/limits/{}", encode(&limit.name)))) { (limit.name) } }
                    } @else { b { (limit.name) } }
                    @if limit.paused_at.is_some() { " " span.badge.paused { (text::PAUSED) } }
                    @if limit.set_to.is_some() { " " span.badge { (text::SET_BY_HAND) } }
                }
            }
            td data-l=(text::IN_USE) { (in_use(limit)) }
            td.n data-l=(text::DECLARED) { (any(limit.declared)) }
            td data-l=(text::RATE) { @if let Some(rate) = &limit.rate { span { (rate_words(rate)) } } }
            td data-l=(text::USED_BY) {
                div { @for holder in limit.holders.iter().take(5) { div { (holder.host) " " (holder.pid) ": " (holder.held) } } }
            }
            @if visit.may(Right::Control) {
                td.acts-cell {
                    (acts(visit, &limit.name, None, limit.paused_at.is_some(), limit.concurrency().or(limit.declared)))
                }
            }
        }
    }
}

fn any(number: Option<u32>) -> String {
    number.map_or_else(|| text::ANY.to_owned(), |number| number.to_string())
}

fn in_use(limit: &LimitState) -> Markup {
    html! {
        @if has_keys(&limit.name) {
            span.soft { (any(limit.concurrency())) " " (text::EACH_KEY) }
        } @else {
            @let most = limit.concurrency();
            span {
                (limit.lent) " " (text::OF) " " (any(most))
                @if let Some(most) = most.filter(|most| *most > 0) {
                    " " meter max=(most) value=(limit.lent) aria-label=(text::in_use_of(&limit.name)) {}
                }
            }
        }
    }
}

fn rate_words(rate: &RateState) -> Markup {
    html! {
        (rate.set_to.unwrap_or(rate.declared)) br;
        small {
            (text::tokens(rate.tokens))
            @if rate.tokens == 0 { ", " (text::NEXT_LOWER) " " (time(rate.next_at)) }
        }
    }
}

/// What can be done to a limit, or to a key of it.
fn acts(
    visit: &Visit,
    name: &str,
    key: Option<&str>,
    is_paused: bool,
    concurrency: Option<u32>,
) -> Markup {
    let fields: Vec<(&str, &str)> = key.map(|key| ("key", key)).into_iter().collect();
    let is_sequence = name.starts_with("order:");
    html! {
        div.acts {
            @if !is_sequence && !name.starts_with("fair:") {
                form.inline method="post" action=(visit.link(&path(name, "set"))) data-keep {
                    (hidden(&fields))
                    input type="number" name="value" min="1" max="1000000" required value=[concurrency.filter(|it| *it > 0)]
                        aria-label=(text::AT_ONCE);
                    button type="submit" { (text::SET) }
                }
            }
            @if is_paused { (act_button(visit, &path(name, "resume"), &fields, text::RESUME, "")) }
            @else { (act_button(visit, &path(name, "pause"), &fields, text::PAUSE, "")) }
            (act_button(visit, &path(name, "reset"), &fields, text::RESET, ""))
        }
    }
}

fn limit_json(limit: &LimitState) -> Value {
    let holders: Vec<_> = limit.holders.iter().map(|it| {
        json!({ "worker_id": it.worker_id, "host": it.host, "pid": it.pid, "held": it.held, "wanted": it.wanted })
    }).collect();
    json!({
        "name": limit.name, "declared": limit.declared, "set_to": limit.set_to,
        "concurrency": limit.concurrency(), "rate": limit.rate.as_ref().map(rate_json),
        "paused_at": limit.paused_at, "lent": limit.lent, "holders": holders,
    })
}

fn rate_json(rate: &RateState) -> Value {
    json!({
        "declared": rate.declared.to_string(), "set_to": rate.set_to.map(|it| it.to_string()),
        "tokens": rate.tokens, "next_at": rate.next_at, "full_at": rate.full_at,
    })
}

pub(super) async fn keys(visit: &Visit) -> Result<Made, Trouble> {
    let name = visit.part(1).to_owned();
    let limit = visit.admin.limits().find(&name).await?;
    let limit = limit.ok_or_else(|| Trouble::NoSuch(text::no_such_limit(&name)))?;
    let after = visit.query().raw("after");
    let keys = visit.admin.limits().keys(&name, after, KEYS).await?;
    let html = || {
        html! {
            div.head {
                h1 { (name) }
                @if limit.paused_at.is_some() { span.badge.paused { (text::PAUSED) } }
                div.acts { a.button href=(visit.link("/limits")) { (text::ALL_LIMITS) } }
            }
            section.card.flush {
                @if keys.is_empty() { (empty(text::NO_KEYS, text::NO_KEYS_HOW, None)) }
                @else {
                    table.cards {
                        thead {
                            tr {
                                th scope="col" { (text::KEY) } th.n scope="col" { (text::RUNNING) }
                                th.n scope="col" { (text::WAITING) } th scope="col" { (text::OLDEST) }
                                th scope="col" { (text::STATE) }
                                @if visit.may(Right::Control) { th { span.hidden-text { (text::ACTS) } } }
                            }
                        }
                        tbody { @for key in &keys { (key_row(visit, &name, key)) } }
                    }
                }
            }
            @if keys.len() == KEYS as usize && let Some(last) = keys.last() {
                @let path = format!("/limits/{}", encode(&name));
                div.pager { a.button href=(visit.link(&with_query(&path, &[("after", &last.key)]))) { (text::NEXT_PAGE) } }
            }
        }
    };
    visit.made(name.as_str(), html, || {
        let keys: Vec<_> = keys.iter().map(|it| json!({
            "key": it.key, "declared": it.declared, "set_to": it.set_to, "rate": it.rate.as_ref().map(rate_json),
            "weight": it.weight, "paused_at": it.paused_at, "running": it.running, "waiting": it.waiting,
            "waiting_since": it.waiting_since, "halted_by": it.halted_by, "retry_at": it.retry_at,
        })).collect();
        Json::of(&json!({ "limit": limit_json(&limit), "keys": keys }))
    })
}

fn key_row(visit: &Visit, name: &str, key: &LimitKey) -> Markup {
    html! {
        tr {
            td { b { (key.key) } }
            td.n data-l=(text::RUNNING) {
                (number(key.running.into()))
                @if let Some(most) = key.set_to.or(key.declared) { " / " (most) }
            }
            td.n data-l=(text::WAITING) { (number(key.waiting.into())) }
            td data-l=(text::OLDEST) { @if let Some(since) = key.waiting_since { (time(since)) } }
            td data-l=(text::STATE) {
                div {
                    @if key.paused_at.is_some() { span.badge.paused { (text::PAUSED) } }
                    @if key.set_to.is_some() { span.badge { (text::SET_BY_HAND) } }
                    @if let Some(job) = key.halted_by {
                        div {
                            span.badge.wrong { (text::HALTED) } " "
                            a href=(visit.link(&format!("/jobs/{job}"))) { (text::BY_DEAD_JOB) }
                        }
                    }
                    @if let Some(at) = key.retry_at { div { (text::RETRIES) " " (time(at)) } }
                    @if let Some(rate) = &key.rate { div { (rate_words(rate)) } }
                }
            }
            @if visit.may(Right::Control) {
                td.acts-cell {
                    @if key.halted_by.is_some() {
                        (act_button(visit, &path(name, "skip"), &[("key", &key.key)], text::SKIP_IT, "danger"))
                    }
                    (acts(visit, name, Some(&key.key), key.paused_at.is_some(), key.set_to.or(key.declared)))
                }
            }
        }
    }
}
