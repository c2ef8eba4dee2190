//! The checks of a schedule.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use syn::Expr;

use super::super::keys::one_of;
use super::super::shown::shown;
use super::super::values;
use crate::errors::Errors;
use crate::model::{
    Declaration, FieldDefault, Misfire, OnConflict, Options, Overlap, Rule, Schedule, ScheduledArg,
    StoredArg, Unique, UniqueWhile,
};
use crate::parse::args::ScheduleArgs;
use crate::parse::item::plain;
use crate::parse::list::{Arg, Value, arguments_of_any_name};
use crate::suggest::did_you_mean;

/// 3,650 days, the library's upper bound of the time between two ticks.
const LONGEST: Duration = Duration::from_hours(3650 * 24);

const MISFIRES: [(&str, Misfire); 3] =
    [("coalesce", Misfire::Coalesce), ("skip", Misfire::Skip), ("backfill", Misfire::Backfill)];

const OVERLAPS: [(&str, Overlap); 3] =
    [("allow", Overlap::Allow), ("skip", Overlap::Skip), ("queue", Overlap::Queue)];

pub(crate) fn schedule(
    args: ScheduleArgs,
    called: &str,
    declaration: &Declaration,
    errors: &mut Errors,
) -> Option<Schedule> {
    // Destructured in full: an argument that is added to the table has to be used here.
    let ScheduleArgs { cron, tz, every, args, misfire, overlap } = args;
    let rule = match (&cron, &every) {
        (None, None) => {
            for Arg { key, .. } in [tz, args, misfire, overlap].iter().flatten() {
                let message = format!(
                    "`{key}` belongs to a schedule, like `cron = \"0 9 * * mon-fri\"` or `every = \"15m\"`"
                );
                errors.at(key.span(), message);
            }
            return None;
        }
        (Some(_), Some(second)) => {
            errors.at(second.key.span(), "use `cron` or `every`, not both");
            None
        }
        (Some(cron), None) => self::cron(cron, tz.as_ref(), errors),
        (None, Some(every)) => {
            if let Some(Arg { key, .. }) = &tz {
                let message = "`tz` belongs to `cron`: times that pass are the same in each zone";
                errors.at(key.span(), message);
            }
            self::every(every, errors)
        }
    };
    let place = cron.or(every)?.key.span();
    let place_of = |arg: &Option<Arg>| arg.as_ref().map_or(place, |arg| arg.key.span());
    let (misfire_at, overlap_at) = (place_of(&misfire), place_of(&overlap));
    let misfire = misfire.and_then(|arg| one_of(&arg, "answer to late ticks", MISFIRES, errors));
    let overlap = overlap.and_then(|arg| one_of(&arg, "answer to an overlap", OVERLAPS, errors));
    if let (Some(Misfire::Backfill), Some(Overlap::Skip)) = (misfire, overlap) {
        let message = "with `overlap = \"skip\"` only the first of the late ticks would run; \
                       choose `overlap = \"queue\"`, or `misfire = \"coalesce\"`";
        errors.at(misfire_at, message);
    }
    if matches!(overlap, Some(Overlap::Skip)) && !matches!(declaration.unique, Unique::No) {
        let message =
            "`overlap = \"skip\"` is a unique key itself; leave `unique` or `overlap` out";
        errors.at(overlap_at, message);
    }
    refuse_options(&declaration.options, place, errors);
    let args = payload(args.as_ref(), place, called, &declaration.stored, errors);
    Some(Schedule { rule: rule?, misfire, overlap, args: args? })
}

/// Refuses options that a schedule contradicts.
fn refuse_options(options: &Options, place: Span, errors: &mut Errors) {
    let Options { delay, on_conflict, unique_for, unique_while, .. } = options;
    let has_key_rules = unique_for.is_some()
        || matches!(unique_while, Some(UniqueWhile::Pending))
        || !matches!(on_conflict, None | Some(OnConflict::Ignore));
    if has_key_rules {
        let message = "a tick whose unique key is taken gets no job, and nothing else can be done; \
                       leave `on_conflict`, `for` and `while` out";
        errors.at(place, message);
    }
    if delay.is_some() {
        let message = "the schedule says when its jobs are due; leave `delay` out";
        errors.at(place, message);
    }
}

fn cron(arg: &Arg, tz: Option<&Arg>, errors: &mut Errors) -> Option<Rule> {
    let zone = tz.and_then(|arg| {
        let literal = values::string(arg, errors)?;
        if let Err(message) = simple_queue_cron::zone(&literal.value()) {
            errors.at(literal.span(), message);
            return None;
        }
        Some(literal.value())
    });
    let literal = values::string(arg, errors)?;
    if let Err(wrong) = simple_queue_cron::Cron::parse(&literal.value()) {
        errors.at(values::place_within(&literal, wrong.place), wrong.message);
        return None;
    }
    Some(Rule::Cron { cron: literal.value(), zone })
}

fn every(arg: &Arg, errors: &mut Errors) -> Option<Rule> {
    let literal = values::string(arg, errors)?;
    let time = values::duration(&literal, errors)?;
    if time < Duration::from_secs(1) || time > LONGEST {
        let written = literal.value();
        let message = format!("`every` is from \"1s\" to \"3650d\", not \"{written}\"");
        errors.at(literal.span(), message);
        return None;
    }
    Some(Rule::Every(time))
}

/// The value of each stored argument: of `args`, or its default.
fn payload(
    args: Option<&Arg>,
    place: Span,
    called: &str,
    stored: &[StoredArg],
    errors: &mut Errors,
) -> Option<Vec<ScheduledArg>> {
    let mut given = args.map(|args| given(args, called, stored, errors)).unwrap_or_default();
    let mut payload = Vec::new();
    let mut missing = Vec::new();
    for arg in stored {
        let name = plain(&arg.name);
        let value = given.iter().position(|(known, _)| *known == name);
        let value = value.map(|at| FieldDefault::Value(Box::new(given.swap_remove(at).1)));
        match value.or_else(|| arg.options.default.clone()) {
            Some(value) => {
                payload.push(ScheduledArg { name: arg.name.clone(), ty: arg.ty.clone(), value });
            }
            None => missing.push(name),
        }
    }
    if missing.is_empty() {
        return Some(payload);
    }
    let names = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
    let example = missing.iter().map(|name| format!("{name} = ..")).collect::<Vec<_>>().join(", ");
    let message = format!(
        "the schedule of `{called}` has no value for {names}\
         \n\nhelp: write `args({example})`, or give the argument a `#[job(default)]`"
    );
    errors.at(place, message);
    None
}

/// The values in `args(region = "eu")`.
fn given(
    args: &Arg,
    called: &str,
    stored: &[StoredArg],
    errors: &mut Errors,
) -> Vec<(String, Expr)> {
    let Value::List(list) = &args.value else {
        errors.at(args.key.span(), format!("list the arguments, like `{}`", args.example));
        return Vec::new();
    };
    if list.stream().is_empty() {
        errors.on(list, format!("name the arguments, like `{}`", args.example));
    }
    let mut given: Vec<(String, Expr)> = Vec::new();
    for Arg { key, value, .. } in arguments_of_any_name(list.stream(), errors) {
        let name = plain(&key);
        let known = || stored.iter().map(|arg| plain(&arg.name)).collect::<Vec<_>>();
        if !known().contains(&name) {
            let known = known();
            let suggestion = did_you_mean(&name, known.iter().map(String::as_str), '`');
            let message = format!("`{called}` stores no argument `{name}`{suggestion}");
            errors.at(key.span(), message);
        } else if given.iter().any(|(other, _)| *other == name) {
            errors.at(key.span(), format!("argument `{name}` given twice"));
        } else if let Value::Equals(tokens) = &value {
            match syn::parse2::<Expr>(TokenStream::clone(tokens)) {
                Ok(value) => given.push((name, value)),
                Err(_) => {
                    errors.on(tokens, format!("expected a value, not `{}`", shown(tokens)));
                }
            }
        } else {
            errors.at(key.span(), format!("`{name}` needs a value, like `{name} = ..`"));
        }
    }
    given
}
