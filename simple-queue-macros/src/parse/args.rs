//! The arguments of `#[job(…)]`, and the parts that some of them have.

use proc_macro2::{TokenStream, TokenTree};

use super::list::{Arg, Table, argument, arguments, in_a_row, split_at_commas};
use crate::errors::Errors;
use crate::suggest::did_you_mean;

arguments! {
    /// The arguments that were given. `validate` takes this apart field by field, so that a new
    /// one cannot be forgotten there.
    Args else "queue = \"emails\"",
    /// What the job is called in the database; the function's name when left out.
    name: "name" like "name = \"send_welcome\"",
    queue: "queue" like "queue = \"emails\"",
    retries: "retries" like "retries = 5",
    /// `retries` counted the other way: the first run included.
    max_attempts: "max_attempts" like "max_attempts = 6",
    backoff: "backoff" like "backoff = \"exponential\"",
    unique: "unique" like "unique = \"welcome:{user_id}\"",
    fingerprint: "fingerprint" like "fingerprint = \"order:{order_id}\"",
    timeout: "timeout" like "timeout = \"30s\"",
    delay: "delay" like "delay = \"5m\"",
    expires: "expires" like "expires = \"1h\"",
    priority: "priority" like "priority = 10",
    /// What the job was called before.
    aliases: "aliases" like "aliases(\"old_name\")",
    /// What the payload struct is called; the function's name in the case of a type when left out.
    payload: "payload" like "payload = WelcomeMail",
    derive: "derive" like "derive(Debug, Clone)",
    /// The path of the library, for crates that re-export it.
    krate: "crate" like "crate = my_crate::simple_queue",
}

arguments! {
    /// The parts of a back-off: those of `exponential(…)`, and what follows the first of the others.
    BackoffParts else "base = \"2s\"",
    base: "base" like "base = \"2s\"",
    factor: "factor" like "factor = 2",
    max: "max" like "max = \"1h\"",
    jitter: "jitter" like "jitter = 0.2",
}

arguments! {
    /// What `unique(…)` takes.
    UniqueParts else "by = [user_id]",
    by: "by" like "by = [user_id]",
}

arguments! {
    /// The arguments of `#[job(…)]` on a parameter; `alias` can stand there more than once.
    ParamArgs else "default",
    default: "default" like "default",
    rename: "rename" like "rename = \"userId\"",
    with: "with" like "with = \"my_module\"",
    redact: "redact" like "redact",
}

/// Arguments whose meaning is decided but not written yet. They are refused, never ignored.
const RESERVED: &[&str] = &[
    "compensate",
    "concurrency",
    "cron",
    "on_exhausted",
    "rate",
    "retain",
    "serial",
    "strategy",
    "tags",
    "template",
    "tz",
    "upgrade",
    "version",
];

/// The same within `unique(…)`.
const RESERVED_IN_UNIQUE: &[&str] = &["for", "on_conflict", "while"];

pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Args {
    let mut args = Args::default();
    for tokens in split_at_commas(tokens, errors) {
        if let Some(arg) = argument::<Args>(tokens, errors) {
            args.put(arg, &refusal, errors);
        }
    }
    args
}

pub(crate) fn unique_parts(tokens: TokenStream, errors: &mut Errors) -> UniqueParts {
    let unknown = |key: &str| match RESERVED_IN_UNIQUE.contains(&key) {
        true => not_supported(key),
        false => {
            let suggestion = did_you_mean(key, UniqueParts::KEYS.iter().copied(), '`');
            let example = UniqueParts::example(key);
            format!("`unique` has no `{key}`{suggestion}\n\nhelp: write `unique({example})`")
        }
    };
    let mut parts = UniqueParts::default();
    for tokens in split_at_commas(tokens, errors) {
        if let Some(arg) = argument::<UniqueParts>(tokens, errors) {
            parts.put(arg, &unknown, errors);
        }
    }
    parts
}

/// The parts of the back-off `curve`, which has these.
pub(crate) fn backoff_parts(
    items: Vec<Vec<TokenTree>>,
    curve: &str,
    allowed: &[&str],
    errors: &mut Errors,
) -> BackoffParts {
    let unknown = |key: &str| {
        let suggestion = did_you_mean(key, allowed.iter().copied(), '`');
        let names = in_a_row(allowed.iter().copied());
        format!("`{curve}` has no `{key}`{suggestion}\n\nnote: it takes {names}")
    };
    let mut parts = BackoffParts::default();
    for tokens in items {
        match argument::<BackoffParts>(tokens, errors) {
            Some(arg) if allowed.iter().any(|key| arg.key == key) => {
                parts.put(arg, &unknown, errors);
            }
            Some(arg) => errors.at(arg.key.span(), unknown(&arg.key.to_string())),
            None => {}
        }
    }
    parts
}

/// Takes in one `#[job(…)]` of a parameter; each `alias` is given back apart.
pub(crate) fn on_parameter(
    tokens: TokenStream,
    args: &mut ParamArgs,
    errors: &mut Errors,
) -> Vec<Arg> {
    let known = || ParamArgs::KEYS.iter().copied().chain(["alias"]);
    let unknown = |key: &str| {
        let suggestion = did_you_mean(key, known(), '`');
        let names = in_a_row(known());
        format!(
            "unknown argument `{key}` on a parameter{suggestion}\n\nnote: the arguments are {names}"
        )
    };
    let mut aliases = Vec::new();
    for tokens in split_at_commas(tokens, errors) {
        match argument::<ParamArgs>(tokens, errors) {
            Some(arg) if arg.key == "alias" => {
                aliases.push(Arg { example: "alias = \"old_name\"", ..arg });
            }
            Some(arg) => args.put(arg, &unknown, errors),
            None => {}
        }
    }
    aliases
}

fn refusal(key: &str) -> String {
    if RESERVED.contains(&key) {
        return not_supported(key);
    }
    let suggestion = did_you_mean(key, Args::KEYS.iter().copied(), '`');
    let names = in_a_row(Args::KEYS.iter().copied());
    format!("unknown argument `{key}`{suggestion}\n\nnote: the arguments are {names}")
}

fn not_supported(key: &str) -> String {
    format!("`{key}` is not supported yet")
}
