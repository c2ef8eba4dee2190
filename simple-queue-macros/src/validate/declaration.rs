//! The declaration of a job, on a function or on a struct.

use proc_macro2::{Ident, Span, TokenStream};
use syn::Path;

use super::keys::Keys;
use super::limited::Limited;
use super::params::Known;
use super::{backoff, concurrency, names, options, schedule, values};
use crate::errors::Errors;
use crate::model::{Declaration, ItemHead, Options, Output, StoredArg, Version};
use crate::parse::args::{DeclarationArgs, ScheduleArgs};
use crate::parse::list::Arg;

/// The item that is declared.
pub(crate) struct Subject<'a> {
    pub(crate) item_head: ItemHead,
    /// Place of the declaration.
    pub(crate) place: Span,
    /// Name of its function or its struct.
    pub(crate) called: &'a str,
    /// Default name in the database.
    pub(crate) kind: String,
    /// Names that keys can use.
    pub(crate) known: &'a [Known],
    pub(crate) stored: Vec<StoredArg>,
    pub(crate) output: Output,
}

/// Refused arguments are left out, so that the job can still be used.
pub(crate) fn declaration(
    args: DeclarationArgs,
    schedule: ScheduleArgs,
    subject: Subject<'_>,
    errors: &mut Errors,
) -> Declaration {
    let called = subject.called;
    let declaration = without_schedule(args, subject, errors);
    let schedule = schedule::schedule(schedule, called, &declaration, errors);
    Declaration { schedule, ..declaration }
}

fn without_schedule(
    args: DeclarationArgs,
    subject: Subject<'_>,
    errors: &mut Errors,
) -> Declaration {
    // Destructured in full: an argument that is added to the table has to be used here.
    let DeclarationArgs {
        name,
        aliases,
        template,
        queue,
        retries,
        max_attempts,
        backoff,
        timeout,
        delay,
        expires,
        priority,
        concurrency,
        order,
        fair,
        rate,
        limits,
        unique,
        fingerprint,
        tags,
        retain,
        spool,
        version,
        upgrade,
    } = args;
    let Subject { item_head, place, called, kind, known, stored, output } = subject;

    let kind = name.and_then(|arg| names::kind(&arg, errors)).unwrap_or(kind);
    let aliases = aliases.map(|arg| names::aliases(&arg, &kind, errors)).unwrap_or_default();
    let template = template.and_then(|arg| values::item(&arg, "a constant `JobTemplate`", errors));
    let queue = queue.and_then(|arg| names::queue(&arg, errors));
    let attempts = options::attempts(retries.as_ref(), max_attempts.as_ref(), errors);
    let backoff = backoff.and_then(|arg| backoff::backoff(&arg, attempts, errors));
    let spool = spool.and_then(|arg| options::spool(&arg, errors));
    let timeout = timeout.and_then(|arg| options::timeout(&arg, errors));
    let delay = delay.and_then(|arg| options::delay(&arg, errors));
    let limits = limits.map(|arg| concurrency::limits(&arg, errors));
    let retain = retain.and_then(|arg| options::retain(&arg, errors));
    let tags = tags.and_then(|arg| options::tags(&arg, errors));
    let version = self::version(version, upgrade, errors);
    let keys = Keys { called, known, stored: &stored };
    let (unique, rules) = unique.map(|arg| keys.unique(&arg, errors)).unwrap_or_default();
    let limited = Limited { concurrency, order, fair, rate, priority, expires, rules };
    let (limited, key_limit) = limited.check(&keys, errors);

    let options =
        Options { attempts, backoff, timeout, delay, retain, limits, tags, spool, ..limited };
    Declaration {
        item_head,
        place,
        kind,
        aliases,
        template,
        queue,
        options,
        key_limit,
        unique,
        fingerprint: fingerprint.and_then(|arg| keys.fingerprint(&arg, errors)),
        version,
        schedule: None,
        stored,
        output,
    }
}

/// `version` and `upgrade`. They need each other: reading old payloads unchanged must be explicit.
fn version(version: Option<Arg>, upgrade: Option<Arg>, errors: &mut Errors) -> Version {
    let first = Version { number: 1, upgrade: None };
    let Some(version) = version else {
        if let Some(upgrade) = upgrade {
            errors.at(upgrade.key.span(), "`upgrade` needs `version = 2` or more");
        }
        return first;
    };
    let bounds = format!("1 and {}", i32::MAX);
    let Some(number) = values::whole_number::<i32>(&version, 0..=i32::MAX.into(), &bounds, errors)
    else {
        return first;
    };
    match (number, upgrade) {
        (0, _) => {
            if let Some(tokens) = values::tokens(&version, errors) {
                errors.on(tokens, "versions start at 1");
            }
            first
        }
        (1, Some(upgrade)) => {
            errors.at(upgrade.key.span(), "`upgrade` needs `version = 2` or more");
            first
        }
        (1, None) => first,
        (number, Some(upgrade)) => Version { number, upgrade: self::upgrade(&upgrade, errors) },
        (number, None) => {
            let stored = match number {
                2 => "version 1".to_owned(),
                _ => format!("versions 1 to {}", number - 1),
            };
            let message = format!(
                "version {number} has no `upgrade`: stored jobs of {stored} would be read as they are; \
                 write `upgrade = none` if that is meant"
            );
            errors.at(version.key.span(), message);
            Version { number, upgrade: None }
        }
    }
}

/// The path of a function, or `none`; a function of this name is written `self::none`.
fn upgrade(arg: &Arg, errors: &mut Errors) -> Option<Path> {
    let tokens = values::tokens(arg, errors)?;
    if syn::parse2::<Ident>(TokenStream::clone(tokens)).is_ok_and(|word| word == "none") {
        return None;
    }
    values::item(arg, "a function", errors)
}
