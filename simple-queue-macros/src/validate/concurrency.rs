//! `concurrency`, `order` and `limits`: how many jobs run at once.

use proc_macro2::{Group, TokenStream};
use quote::ToTokens;
use syn::{Expr, ExprArray, Path};

use super::keys::one_of;
use super::values;
use crate::errors::Errors;
use crate::model::{AfterFailure, Concurrency};
use crate::parse::args::{ConcurrencyParts, FairParts, OrderParts};
use crate::parse::limits::{concurrency_parts, fair_parts, order_parts};
use crate::parse::list::{Arg, Value};

/// 1,000,000, upper bound of a limit; the library checks it too.
const MOST_OF_A_LIMIT: i64 = 1_000_000;

const AFTER_FAILURES: [(&str, AfterFailure); 3] = [
    ("halt", AfterFailure::Halt),
    ("continue", AfterFailure::Continue),
    ("drop", AfterFailure::Drop),
];

/// `concurrency = 4` is for each process, `concurrency(limit = 20)` for all of them together.
pub(crate) fn concurrency(arg: &Arg, errors: &mut Errors) -> Concurrency {
    match &arg.value {
        Value::List(list) => {
            let parts = concurrency_parts(list.stream(), errors);
            if let Some(key) = &parts.key {
                let message =
                    "`key` names arguments of a job; write it in the `#[job(..)]` of that job";
                errors.at(key.key.span(), message);
            }
            of_parts(list, &parts, errors)
        }
        Value::Flag | Value::Equals(_) => {
            Concurrency { per_process: per_process(arg, errors), limit: None }
        }
    }
}

/// As above, where it may have a key; then its limit holds for each key.
pub(crate) fn with_key(arg: &Arg, errors: &mut Errors) -> (Concurrency, Option<Arg>) {
    let Value::List(list) = &arg.value else { return (concurrency(arg, errors), None) };
    let parts = concurrency_parts(list.stream(), errors);
    let concurrency = of_parts(list, &parts, errors);
    if let Some(key) = parts.key.as_ref().filter(|_| parts.limit.is_none()) {
        let message = "say how many jobs of a key run at once, like `concurrency(limit = 1, key = \"{tenant_id}\")`";
        errors.at(key.key.span(), message);
    }
    (concurrency, parts.key)
}

/// Reads `order`: what follows a failure, and the key.
pub(crate) fn order(arg: &Arg, errors: &mut Errors) -> (AfterFailure, Option<Arg>) {
    let Value::List(list) = &arg.value else {
        let message = format!("say which jobs wait for each other, like `{}`", arg.example);
        errors.at(arg.key.span(), message);
        return (AfterFailure::Halt, None);
    };
    let before = errors.count();
    let OrderParts { key, after_failure } = order_parts(list.stream(), errors);
    let is_read = errors.count() == before;
    let after_failure = after_failure
        .and_then(|arg| one_of(&arg, "answer to a failure", AFTER_FAILURES, errors))
        .unwrap_or(AfterFailure::Halt);
    if key.is_none() && is_read {
        let message = format!("say which jobs wait for each other, like `{}`", arg.example);
        errors.on(list, message);
    }
    (after_failure, key)
}

/// Reads `fair`: the key.
pub(crate) fn fair(arg: &Arg, errors: &mut Errors) -> Option<Arg> {
    let Value::List(list) = &arg.value else {
        let message = format!("say who shares the queue, like `{}`", arg.example);
        errors.at(arg.key.span(), message);
        return None;
    };
    let before = errors.count();
    let FairParts { key } = fair_parts(list.stream(), errors);
    if key.is_none() && errors.count() == before {
        let message = format!("say who shares the queue, like `{}`", arg.example);
        errors.on(list, message);
    }
    key
}

fn of_parts(list: &Group, parts: &ConcurrencyParts, errors: &mut Errors) -> Concurrency {
    let ConcurrencyParts { limit, per_process, key } = parts;
    if list.stream().is_empty() {
        let message = "say how many run at once in all processes together, like \
                       `concurrency(limit = 20)`, or in each, like `concurrency = 4`";
        errors.on(list, message);
    }
    let parts = Concurrency {
        limit: limit.as_ref().and_then(|arg| self::limit(arg, errors)),
        per_process: per_process.as_ref().and_then(|arg| self::per_process(arg, errors)),
    };
    if let (Some(most), Some(here), Some(arg)) = (parts.limit, parts.per_process, per_process)
        && here > most
        && key.is_none()
    {
        let message = format!(
            "one process cannot run {here} at once while all of them together may run {most}; \
             lower `per_process`, or leave it out"
        );
        errors.at(arg.key.span(), message);
    }
    parts
}

fn per_process(arg: &Arg, errors: &mut Errors) -> Option<u32> {
    let bounds = format!("1 and {}", u32::MAX);
    at_least_one(arg, u32::MAX.into(), &bounds, "to stop it pause the queue", errors)
}

fn limit(arg: &Arg, errors: &mut Errors) -> Option<u32> {
    let bounds = "1 and 1,000,000";
    let fix = "to stop it pause the limit, `queue.limits().pause(..)`";
    at_least_one(arg, MOST_OF_A_LIMIT, bounds, fix, errors)
}

fn at_least_one(arg: &Arg, most: i64, bounds: &str, fix: &str, errors: &mut Errors) -> Option<u32> {
    let number = values::whole_number::<u32>(arg, 0..=most, bounds, errors)?;
    if number == 0 {
        let message = format!("a concurrency of 0 would never run this job; {fix}");
        let tokens = values::tokens(arg, errors)?;
        errors.on(tokens, message);
        return None;
    }
    Some(number)
}

/// The statics in `limits = [PAYMENTS, reports::RENDERING]`.
pub(crate) fn limits(arg: &Arg, errors: &mut Errors) -> Vec<Path> {
    let Some(tokens) = values::tokens(arg, errors) else { return Vec::new() };
    let Ok(list) = syn::parse2::<ExprArray>(TokenStream::clone(tokens)) else {
        errors.on(tokens, format!("expected a list of statics, like `{}`", arg.example));
        return Vec::new();
    };
    let mut limits: Vec<Path> = Vec::new();
    for limit in &list.elems {
        match limit {
            Expr::Path(path) if path.qself.is_none() && path.attrs.is_empty() => {
                let path = &path.path;
                let written = path.to_token_stream().to_string();
                if limits.iter().any(|other| other.to_token_stream().to_string() == written) {
                    errors.on(path, format!("`{written}` is in this list twice"));
                } else {
                    limits.push(path.clone());
                }
            }
            other => errors.on(
                other,
                "expected the name of a static, declared like \
                 `static PAYMENTS: Limit = Limit::named(\"payments\").concurrency(50);`",
            ),
        }
    }
    limits
}
