//! `backoff`: a name, a curve with its parts, or a function.

use std::time::Duration;

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use syn::{LitStr, Path};

use super::shown::shown;
use super::values;
use crate::errors::Errors;
use crate::model::{Attempts, Backoff, Curve, Preset};
use crate::parse::args::{BackoffParts, backoff_parts};
use crate::parse::list::{Arg, split_at_commas};
use crate::suggest::did_you_mean;

const PRESETS: [(&str, Preset); 4] = [
    ("exponential", Preset::Exponential),
    ("linear", Preset::Linear),
    ("fixed", Preset::Fixed),
    ("none", Preset::None),
];

/// 7 days, the longest wait of the library, whatever the curve.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// Default parts of `exponential(…)`, as in the library's constant.
const BASE: Duration = Duration::from_secs(2);
const FACTOR: f64 = 2.0;
const MAX: Duration = Duration::from_hours(1);

pub(crate) fn backoff(
    arg: &Arg,
    attempts: Option<Attempts>,
    errors: &mut Errors,
) -> Option<Backoff> {
    let backoff = written(arg, errors)?;
    if matches!(attempts, Some(Attempts(1))) {
        // A default from the module is not a mistake of this job.
        if !arg.inherited {
            errors.at(arg.key.span(), "this job is never retried, so `backoff` has no effect");
        }
        return None;
    }
    Some(backoff)
}

fn written(arg: &Arg, errors: &mut Errors) -> Option<Backoff> {
    let tokens = values::tokens(arg, errors)?;
    if let Ok(name) = syn::parse2::<LitStr>(tokens.clone()) {
        return preset(&name, errors);
    }
    if let Some((curve, list)) = call(tokens) {
        return parts(&curve, &list, errors);
    }
    match syn::parse2::<Path>(tokens.clone()) {
        Ok(path) => match PRESETS.iter().find(|(name, _)| path.is_ident(name)) {
            None => Some(Backoff { curve: Curve::Custom(path), jitter: None }),
            Some((name, _)) => {
                let message = format!(
                    "write the name in quotes, `backoff = \"{name}\"`; \
                     a function of this name is `self::{name}`"
                );
                errors.on(path, message);
                None
            }
        },
        Err(_) => {
            let message = format!(
                "expected a back-off, like `{}`, `exponential(base = \"2s\")`, \
                 or the path of a function",
                arg.example
            );
            errors.on(tokens, message);
            None
        }
    }
}

fn preset(literal: &LitStr, errors: &mut Errors) -> Option<Backoff> {
    let name = literal.value();
    let Some((_, preset)) = PRESETS.iter().find(|(known, _)| *known == name) else {
        let suggestion = did_you_mean(&name, PRESETS.iter().map(|(known, _)| *known), '"');
        let message = format!(
            "unknown backoff \"{name}\"{suggestion} \
             (exponential, linear, fixed, none, or the path of a function)"
        );
        errors.at(literal.span(), message);
        return None;
    };
    Some(Backoff { curve: Curve::Preset(*preset), jitter: None })
}

/// Destructures `name(…)`.
fn call(tokens: &TokenStream) -> Option<(Path, Group)> {
    let mut tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let Some(TokenTree::Group(list)) = tokens.pop() else { return None };
    match syn::parse2::<Path>(tokens.into_iter().collect()) {
        Ok(path) if list.delimiter() == Delimiter::Parenthesis => Some((path, list)),
        _ => None,
    }
}

fn parts(curve: &Path, list: &Group, errors: &mut Errors) -> Option<Backoff> {
    match curve.get_ident().map(Ident::to_string).as_deref() {
        Some("exponential") => exponential(list, errors),
        Some("linear") => {
            let (step, jitter) = one_wait(list, "linear", errors)?;
            Some(Backoff { curve: Curve::Linear(step), jitter })
        }
        Some("fixed") => {
            let (delay, jitter) = one_wait(list, "fixed", errors)?;
            Some(Backoff { curve: Curve::Fixed(delay), jitter })
        }
        Some("none") => {
            errors.on(list, "`none` takes no parts; write `backoff = \"none\"`");
            None
        }
        _ => {
            let name = shown(curve);
            let suggestion = did_you_mean(&name, ["exponential", "linear", "fixed"], '`');
            let message = format!(
                "unknown curve `{name}`{suggestion}\
                 \n\nnote: the curves are `exponential`, `linear` and `fixed`; \
                 a function of your own is named without parentheses"
            );
            errors.on(curve, message);
            None
        }
    }
}

fn exponential(list: &Group, errors: &mut Errors) -> Option<Backoff> {
    let before = errors.count();
    let items = split_at_commas(list.stream(), errors);
    let allowed = ["base", "factor", "max", "jitter"];
    let BackoffParts { base, factor, max, jitter } =
        backoff_parts(items, "exponential", &allowed, errors);
    let jitter = jitter.and_then(|arg| self::jitter(&arg, errors));
    let factor = factor.and_then(|arg| self::factor(&arg, errors));
    let mut read = |arg: Option<Arg>| {
        let literal = values::string(&arg?, errors)?;
        wait(&literal, errors).map(|wait| (wait, literal))
    };
    let (base, max) = (read(base), read(max));
    if errors.count() == before {
        let longer = match (&base, &max) {
            (Some((base, literal)), Some((max, other))) if base > max => {
                let (base, max) = (literal.value(), other.value());
                Some((literal, format!("`base` (\"{base}\") is longer than `max` (\"{max}\")")))
            }
            (Some((base, literal)), None) if *base > MAX => {
                let base = literal.value();
                let message = format!(
                    "`base` (\"{base}\") is longer than `max`, which is \"1h\" when left out"
                );
                Some((literal, message))
            }
            (None, Some((max, literal))) if *max < BASE => {
                let max = literal.value();
                let message = format!(
                    "`max` (\"{max}\") is shorter than `base`, which is \"2s\" when left out"
                );
                Some((literal, message))
            }
            _ => None,
        };
        if let Some((literal, message)) = longer {
            errors.at(literal.span(), message);
        }
    }
    let curve = Curve::Exponential {
        base: base.map_or(BASE, |(base, _)| base),
        factor: factor.unwrap_or(FACTOR),
        max: max.map_or(MAX, |(max, _)| max),
    };
    (errors.count() == before).then_some(Backoff { curve, jitter })
}

/// Parses `"5s"`, or `"5s", jitter = 0.1`.
fn one_wait(list: &Group, curve: &str, errors: &mut Errors) -> Option<(Duration, Option<f64>)> {
    let before = errors.count();
    let mut items = split_at_commas(list.stream(), errors);
    if let Some(wait) = named_wait(items.first()) {
        let rest = items[1..]
            .iter()
            .map(|item| format!(", {}", shown(TokenStream::from_iter(item.clone()))));
        let message = format!(
            "the wait of `{curve}` has no name\
             \n\nhelp: write `{curve}({wait}{})`",
            rest.collect::<String>()
        );
        errors.on(TokenStream::from_iter(items.remove(0)), message);
        return None;
    }
    let first = match items.first() {
        Some(first) if !matches!(first.first(), Some(TokenTree::Ident(_))) => {
            Some(TokenStream::from_iter(items.remove(0)))
        }
        _ => None,
    };
    let expected = format!("expected a duration, like `{curve}(\"5s\")`");
    let wait = match first.map(|first| (syn::parse2::<LitStr>(first.clone()), first)) {
        Some((Ok(literal), _)) => wait(&literal, errors),
        Some((Err(_), first)) => {
            errors.on(first, expected);
            None
        }
        None if items.is_empty() => {
            errors.on(list, expected);
            None
        }
        None => None,
    };
    let parts = backoff_parts(items, curve, &["jitter"], errors);
    let jitter = parts.jitter.and_then(|arg| jitter(&arg, errors));
    if wait.is_none() && errors.count() == before {
        errors.on(list, format!("`{curve}` begins with a duration, like `{curve}(\"5s\")`"));
    }
    wait.filter(|_| errors.count() == before).map(|wait| (wait, jitter))
}

/// The wait in `delay = "5s"`, whatever its name; only `jitter` has a name.
fn named_wait(item: Option<&Vec<TokenTree>>) -> Option<String> {
    match item?.as_slice() {
        [TokenTree::Ident(name), TokenTree::Punct(equals), wait @ TokenTree::Literal(literal)]
            if name != "jitter" && equals.as_char() == '=' =>
        {
            syn::parse2::<LitStr>(wait.clone().into()).is_ok().then(|| literal.to_string())
        }
        _ => None,
    }
}

fn wait(literal: &LitStr, errors: &mut Errors) -> Option<Duration> {
    let wait = values::duration(literal, errors)?;
    let message = match wait {
        Duration::ZERO => "to retry at once write `backoff = \"none\"`",
        wait if wait > LONGEST => "no wait is longer than 7 days, \"7d\"",
        _ => return Some(wait),
    };
    errors.at(literal.span(), message);
    None
}

fn jitter(arg: &Arg, errors: &mut Errors) -> Option<f64> {
    let (jitter, tokens) = values::number(arg, errors)?;
    if !(0.0..=1.0).contains(&jitter) {
        errors.on(tokens, "`jitter` is a fraction from 0 to 1, like 0.2");
        return None;
    }
    Some(jitter.abs())
}

fn factor(arg: &Arg, errors: &mut Errors) -> Option<f64> {
    let (factor, tokens) = values::number(arg, errors)?;
    if factor <= 1.0 || !factor.is_finite() {
        let message = "`factor` must be greater than 1; \
                       for the same wait each time write `fixed(\"10s\")`";
        errors.on(tokens, message);
        return None;
    }
    Some(factor)
}
