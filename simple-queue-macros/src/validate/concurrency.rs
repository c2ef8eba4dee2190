//! `concurrency` and `limits`: how many jobs run at once.

use proc_macro2::{Group, TokenStream};
use quote::ToTokens;
use syn::{Expr, ExprArray, Path};

use super::values;
use crate::errors::Errors;
use crate::model::Concurrency;
use crate::parse::args::{ConcurrencyParts, concurrency_parts};
use crate::parse::list::{Arg, Value};

/// 1,000,000, upper bound of a limit; the library checks it too.
const MOST_OF_A_LIMIT: i64 = 1_000_000;

/// `concurrency = 4` is for each process, `concurrency(limit = 20)` for all of them together.
pub(crate) fn concurrency(arg: &Arg, errors: &mut Errors) -> Concurrency {
    match &arg.value {
        Value::List(list) => of_parts(list, errors),
        Value::Flag | Value::Equals(_) => {
            Concurrency { per_process: per_process(arg, errors), limit: None }
        }
    }
}

fn of_parts(list: &Group, errors: &mut Errors) -> Concurrency {
    let ConcurrencyParts { limit, per_process } = concurrency_parts(list.stream(), errors);
    if list.stream().is_empty() {
        let message = "say how many run at once in all processes together, like \
                       `concurrency(limit = 20)`, or in each, like `concurrency = 4`";
        errors.on(list, message);
    }
    let parts = Concurrency {
        limit: limit.as_ref().and_then(|arg| self::limit(arg, errors)),
        per_process: per_process.as_ref().and_then(|arg| self::per_process(arg, errors)),
    };
    if let (Some(most), Some(here), Some(arg)) = (parts.limit, parts.per_process, &per_process)
        && here > most
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
