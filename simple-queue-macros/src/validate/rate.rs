//! `rate(…)`: how many jobs start in a time.

use std::time::Duration;

use proc_macro2::Span;
use syn::{LitBool, LitInt};

use super::keys::{Keys, one_of};
use super::values;
use crate::errors::Errors;
use crate::model::{Cost, Period, Rate, Window};
use crate::parse::args::RateParts;
use crate::parse::limits::rate_parts;
use crate::parse::list::{Arg, Value};

/// 1,000,000,000, upper bound of a rate and of a burst; the library checks it too.
const MOST_OF_A_RATE: i64 = 1_000_000_000;

const WINDOWS: [(&str, Window); 5] = [
    ("minute", Window::Minute),
    ("hour", Window::Hour),
    ("day", Window::Day),
    ("week", Window::Week),
    ("month", Window::Month),
];

/// 100 ms and 366 days, the bounds of the time of a rate; the library checks them too.
const TIMES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_hours(366 * 24));

/// The rate of a job.
#[derive(Default)]
pub(crate) struct JobRate {
    pub(crate) rate: Option<Rate>,
    /// It holds for each key.
    pub(crate) key: Option<Arg>,
    /// How many tokens a job takes.
    pub(crate) cost: Option<Arg>,
}

/// The rate of jobs that have no arguments in common.
pub(crate) fn without_key(arg: &Arg, errors: &mut Errors) -> Option<Rate> {
    let JobRate { rate, key, cost } = rate(arg, errors);
    for named in key.into_iter().chain(cost) {
        let key = &named.key;
        let message =
            format!("`{key}` names arguments of a job; write it in the `#[job(..)]` of that job");
        errors.at(key.span(), message);
    }
    rate
}

/// How many tokens of this rate a job takes. The library refuses those that its arguments say, when it is enqueued.
pub(crate) fn cost(
    arg: &Arg,
    rate: Option<&Rate>,
    keys: &Keys<'_>,
    errors: &mut Errors,
) -> Option<Cost> {
    let tokens = values::tokens(arg, errors)?;
    if syn::parse2::<LitInt>(tokens.clone()).is_err() {
        return keys.cost(arg, errors).map(Cost::Field);
    }
    let cost = values::whole_number::<u32>(arg, 1..=MOST_OF_A_RATE, "1 and 1,000,000,000", errors)?;
    let burst = rate.map(|rate| rate.burst.unwrap_or_else(|| default_burst(rate.limit)));
    if let Some(burst) = burst.filter(|&burst| cost > burst) {
        let message = format!(
            "a job that takes {cost} would never start: the burst is {burst}, by default a tenth of \
             the `limit`; raise `burst`, or lower `cost`"
        );
        errors.on(tokens, message);
    }
    Some(Cost::Always(cost))
}

/// As the library has it.
fn default_burst(limit: u32) -> u32 {
    if limit < 20 { 1 } else { limit / 10 }
}

/// The rate of a job, its key, and its cost.
pub(crate) fn rate(arg: &Arg, errors: &mut Errors) -> JobRate {
    let Value::List(list) = &arg.value else {
        let message = format!("say how many start in which time, like `{}`", arg.example);
        errors.at(arg.key.span(), message);
        return JobRate::default();
    };
    let before = errors.count();
    let parts = rate_parts(list.stream(), errors);
    if parts.window.is_some() || parts.tz.is_some() {
        let has_errors = errors.count() > before;
        return in_windows(parts, arg.key.span(), has_errors, errors);
    }
    let RateParts { limit, per, burst, strict, key, cost, window: _, tz: _ } = parts;
    let is_strict = strict.as_ref().and_then(|arg| flag(arg, errors)).unwrap_or(true);
    let most = limit.as_ref().and_then(|arg| self::limit(arg, errors));
    let time = per.as_ref().and_then(|arg| self::per(arg, errors));
    let given = burst.as_ref().and_then(|arg| self::burst(arg, most, is_strict, errors));
    if errors.count() == before && (limit.is_none() || per.is_none()) {
        let missing = if limit.is_none() { "limit" } else { "per" };
        let message = format!("`rate` needs `{missing}`, like `{}`", arg.example);
        errors.at(arg.key.span(), message);
    }
    let rate = most.zip(time).map(|(limit, per)| {
        // A bucket that is not strict holds a whole period by default.
        let burst = given.or_else(|| (!is_strict).then_some(limit));
        Rate { limit, per: Period::Any(per), burst, is_strict }
    });
    JobRate { rate, key, cost }
}

/// A rate that begins anew with each window of the calendar.
fn in_windows(parts: RateParts, place: Span, has_errors: bool, errors: &mut Errors) -> JobRate {
    let RateParts { limit, per, burst, strict, key, cost, window, tz } = parts;
    for other in [&per, &burst, &strict].into_iter().flatten() {
        let message = format!(
            "`{}` is not for a window: all of its limit may start at once, in it and not across windows",
            other.key
        );
        errors.at(other.key.span(), message);
    }
    if limit.is_none() && !has_errors {
        errors.at(
            place,
            "`rate` needs `limit`, like `rate(limit = 1000, window = \"day\", tz = \"UTC\")`",
        );
    }
    let most = limit.as_ref().and_then(|arg| self::limit(arg, errors));
    let zone = tz.as_ref().map(|arg| zone(arg, errors));
    let Some(window) = window else {
        let message = "`tz` needs a window, like `window = \"day\"`";
        errors.at(tz.map_or(place, |tz| tz.key.span()), message);
        return JobRate { rate: None, key, cost };
    };
    let length = one_of(&window, "window", WINDOWS, errors);
    let zone = match (zone, length) {
        (Some(zone), _) => zone,
        (None, Some(Window::Minute | Window::Hour) | None) => Some("UTC".to_owned()),
        (None, Some(_)) => {
            let message = "say by which clock it begins, like `tz = \"Europe/Berlin\"`";
            errors.at(window.key.span(), message);
            None
        }
    };
    if let (Some(most), Some(length), Some(arg)) = (most, length, &limit)
        && most > most_of(length)
    {
        let message = format!("the limit of such a window is at most {}", most_of(length));
        errors.at(arg.key.span(), message);
        return JobRate { rate: None, key, cost };
    }
    let rate = most.zip(length).zip(zone).map(|((limit, window), zone)| {
        // All of a window may start at once.
        Rate { limit, per: Period::Calendar(window, zone), burst: Some(limit), is_strict: false }
    });
    JobRate { rate, key, cost }
}

/// The time zone of a window's clock.
fn zone(arg: &Arg, errors: &mut Errors) -> Option<String> {
    let literal = values::string(arg, errors)?;
    #[cfg(feature = "cron")]
    if let Err(message) = simple_queue_cron::zone(&literal.value()) {
        errors.at(literal.span(), message);
        return None;
    }
    Some(literal.value())
}

/// The upper bound of a window's limit: 1,000 a second, and 10,000,000; the library checks it too.
const fn most_of(window: Window) -> u32 {
    match window {
        Window::Minute => 60_000,
        Window::Hour => 3_600_000,
        Window::Day | Window::Week | Window::Month => 10_000_000,
    }
}

fn limit(arg: &Arg, errors: &mut Errors) -> Option<u32> {
    let bounds = "1 and 1,000,000,000";
    let number = values::whole_number::<u32>(arg, 0..=MOST_OF_A_RATE, bounds, errors)?;
    if number == 0 {
        let message = "a rate of 0 would never start this job; \
                       to stop it pause the limit, `queue.limits().pause(..)`";
        let tokens = values::tokens(arg, errors)?;
        errors.on(tokens, message);
        return None;
    }
    Some(number)
}

fn per(arg: &Arg, errors: &mut Errors) -> Option<Duration> {
    let literal = values::string(arg, errors)?;
    let per = values::duration(&literal, errors)?;
    let (shortest, longest) = TIMES;
    if per < shortest {
        let message = "the time of a rate is at least 100 ms: in a shorter one no job can be \
                       started in time; give `limit` for a longer `per`";
        errors.at(literal.span(), message);
        return None;
    }
    if per > longest {
        errors.at(literal.span(), "the time of a rate is at most 366 days");
        return None;
    }
    Some(per)
}

/// A strict rate has no more starts than its limit in any period, so its burst counts in each period around it.
fn burst(arg: &Arg, limit: Option<u32>, is_strict: bool, errors: &mut Errors) -> Option<u32> {
    let bounds = "1 and 1,000,000,000";
    let burst = values::whole_number::<u32>(arg, 1..=MOST_OF_A_RATE, bounds, errors)?;
    if let Some(limit) = limit.filter(|&limit| is_strict && burst >= limit && limit > 1) {
        let message = format!(
            "a burst of {burst} leaves nothing of the {limit} to the rest of the time; lower it, \
             or write `strict = false` for a token bucket, which exceeds the limit in some periods"
        );
        let tokens = values::tokens(arg, errors)?;
        errors.on(tokens, message);
        return None;
    }
    if let (Some(1), true, 2..) = (limit, is_strict, burst) {
        let message = "the burst of a limit of 1 is 1; leave it out";
        let tokens = values::tokens(arg, errors)?;
        errors.on(tokens, message);
        return None;
    }
    Some(burst)
}

/// `strict = false`
fn flag(arg: &Arg, errors: &mut Errors) -> Option<bool> {
    let tokens = values::tokens(arg, errors)?;
    let found = syn::parse2::<LitBool>(tokens.clone()).ok();
    if found.is_none() {
        errors.on(tokens, format!("expected `true` or `false`, like `{}`", arg.example));
    }
    found.map(|found| found.value)
}
