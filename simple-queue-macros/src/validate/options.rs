//! Options: attempts, timeouts, priority, retention.

use std::time::Duration;

use super::values;
use crate::errors::Errors;
use crate::model::Attempts;
use crate::parse::list::Arg;

const MAX_RETRIES: i64 = 1_000;

/// The database's limit.
const MAX_TAG_BYTES: usize = 512;

/// `retries` and `max_attempts` set the same option and differ by one.
pub(crate) fn attempts(
    retries: Option<&Arg>,
    max_attempts: Option<&Arg>,
    errors: &mut Errors,
) -> Option<Attempts> {
    match (retries, max_attempts) {
        (None, None) => None,
        (Some(_), Some(second)) => {
            let message = "use `retries` or `max_attempts`, not both \
                           (`retries = 5` is `max_attempts = 6`)";
            errors.at(second.key.span(), message);
            None
        }
        (Some(arg), None) => {
            let bounds = format!("0 and {MAX_RETRIES} (0 means: run once)");
            let retries = values::whole_number::<u32>(arg, 0..=MAX_RETRIES, &bounds, errors)?;
            Some(Attempts(retries + 1))
        }
        (None, Some(arg)) => {
            let most = MAX_RETRIES + 1;
            let bounds = format!("1 and {most} (1 means: never retried)");
            values::whole_number(arg, 1..=most, &bounds, errors).map(Attempts)
        }
    }
}

pub(crate) fn timeout(arg: &Arg, errors: &mut Errors) -> Option<Duration> {
    let literal = values::string(arg, errors)?;
    let timeout = values::duration(&literal, errors)?;
    if timeout.is_zero() {
        let message = "a timeout of zero would end every attempt at once; \
                       leave `timeout` out for none";
        errors.at(literal.span(), message);
        return None;
    }
    Some(timeout)
}

pub(crate) fn delay(arg: &Arg, errors: &mut Errors) -> Option<Duration> {
    let literal = values::string(arg, errors)?;
    let delay = values::duration(&literal, errors)?;
    if delay.is_zero() {
        errors.at(literal.span(), "a delay of zero is none; leave `delay` out");
        return None;
    }
    Some(delay)
}

pub(crate) fn expires(arg: &Arg, errors: &mut Errors) -> Option<Duration> {
    let literal = values::string(arg, errors)?;
    let expires = values::duration(&literal, errors)?;
    if expires.is_zero() {
        let message = "a job that expires at once would never run; leave `expires` out for never";
        errors.at(literal.span(), message);
        return None;
    }
    Some(expires)
}

pub(crate) fn priority(arg: &Arg, errors: &mut Errors) -> Option<i16> {
    let bounds = "-32768 and 32767 (smaller numbers run first)";
    values::whole_number(arg, i64::from(i16::MIN)..=i64::from(i16::MAX), bounds, errors)
}

/// Retention of a finished job; zero deletes a completed job.
pub(crate) fn retain(arg: &Arg, errors: &mut Errors) -> Option<Duration> {
    let literal = values::string(arg, errors)?;
    if literal.value() == "none" {
        return Some(Duration::ZERO);
    }
    values::duration(&literal, errors)
}

/// Whether the job is kept in a file while the database is away.
pub(crate) fn spool(arg: &Arg, errors: &mut Errors) -> Option<bool> {
    values::boolean(arg, errors)
}

pub(crate) fn tags(arg: &Arg, errors: &mut Errors) -> Option<Vec<String>> {
    let mut tags: Vec<String> = Vec::new();
    for literal in values::strings(arg, "tags", errors)? {
        let tag = literal.value();
        if tag.is_empty() || tag.len() > MAX_TAG_BYTES || tag.contains('\0') {
            let message = format!("a tag is a text of 1 to {MAX_TAG_BYTES} bytes");
            errors.at(literal.span(), message);
        } else if tags.contains(&tag) {
            errors.at(literal.span(), format!("`{tag}` is in this list twice"));
        } else {
            tags.push(tag);
        }
    }
    Some(tags)
}
