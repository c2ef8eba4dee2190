//! How often, how long and how urgently a job runs.

use std::time::Duration;

use super::{duration, template, values};
use crate::errors::Errors;
use crate::model::{Attempts, Backoff};
use crate::parse::args::{Arg, Value, example};
use crate::suggest::did_you_mean;

const MAX_RETRIES: i64 = 1_000;

const BACKOFFS: [(&str, Backoff); 4] = [
    ("exponential", Backoff::Exponential),
    ("linear", Backoff::Linear),
    ("fixed", Backoff::Fixed),
    ("none", Backoff::None),
];

/// `retries` and `max_attempts` say the same thing, one apart.
pub(crate) fn attempts(
    retries: Option<Arg>,
    max_attempts: Option<Arg>,
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
            let retries = values::whole_number::<u32>(&arg, 0..=MAX_RETRIES, &bounds, errors)?;
            Some(Attempts(retries + 1))
        }
        (None, Some(arg)) => {
            let most = MAX_RETRIES + 1;
            let bounds = format!("1 and {most} (1 means: never retried)");
            values::whole_number(&arg, 1..=most, &bounds, errors).map(Attempts)
        }
    }
}

pub(crate) fn backoff(
    arg: &Arg,
    attempts: Option<Attempts>,
    errors: &mut Errors,
) -> Option<Backoff> {
    let names = "exponential, linear, fixed or none";
    if let Value::Equals(tokens) = &arg.value
        && syn::parse2::<syn::Lit>(tokens.clone()).is_err()
    {
        let example = example("backoff");
        errors.on(tokens, format!("only a name is supported yet, like `{example}` ({names})"));
        return None;
    }
    let literal = values::string(arg, errors)?;
    let name = literal.value();
    let Some((_, backoff)) = BACKOFFS.iter().find(|(known, _)| *known == name) else {
        let suggestion = did_you_mean(&name, BACKOFFS.iter().map(|(known, _)| *known), '"');
        errors.at(literal.span(), format!("unknown backoff \"{name}\"{suggestion} ({names})"));
        return None;
    };
    if matches!(attempts, Some(Attempts(1))) {
        errors.at(arg.key.span(), "this job is never retried, so `backoff` has no effect");
        return None;
    }
    Some(*backoff)
}

pub(crate) fn timeout(arg: &Arg, errors: &mut Errors) -> Option<Duration> {
    let literal = values::string(arg, errors)?;
    match duration::parse(&literal.value()) {
        Ok(Duration::ZERO) => {
            let message = "a timeout of zero would end every attempt at once; \
                           leave `timeout` out for none";
            errors.at(literal.span(), message);
            None
        }
        Ok(timeout) => Some(timeout),
        Err(wrong) => {
            errors.at(template::place_within(&literal, wrong.place), wrong.message);
            None
        }
    }
}

pub(crate) fn priority(arg: &Arg, errors: &mut Errors) -> Option<i16> {
    let bounds = "-32768 and 32767 (smaller numbers run first)";
    values::whole_number(arg, i64::from(i16::MIN)..=i64::from(i16::MAX), bounds, errors)
}
