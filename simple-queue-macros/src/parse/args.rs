//! The arguments of `#[job(…)]`: known keys, each at most once, their values not yet looked at.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

use crate::errors::Errors;
use crate::suggest::did_you_mean;

/// One argument, as written.
pub(crate) struct Arg {
    pub(crate) key: Ident,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    /// `unique`
    Flag,
    /// `queue = "emails"`
    Equals(TokenStream),
    /// `unique(by = [user_id])`
    List(Group),
}

/// Declares every supported argument once: its field, its key, and an example of its use.
macro_rules! arguments {
    ($($(#[$doc:meta])* $field:ident: $key:literal like $example:literal,)*) => {
        /// The arguments that were given. `validate` takes this apart field by field, so that a new
        /// one cannot be forgotten there.
        #[derive(Default)]
        pub(crate) struct Args {
            $($(#[$doc])* pub(crate) $field: Option<Arg>,)*
        }

        impl Args {
            const KEYS: &'static [&'static str] = &[$($key),*];

            fn slot(&mut self, key: &str) -> Option<&mut Option<Arg>> {
                match key {
                    $($key => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }

        /// How an argument is written, for messages.
        pub(crate) fn example(key: &str) -> &'static str {
            match key {
                $($key => $example,)*
                _ => "queue = \"emails\"",
            }
        }
    };
}

arguments! {
    /// What the job is called in the database; the function's name when left out.
    name: "name" like "name = \"send_welcome\"",
    queue: "queue" like "queue = \"emails\"",
    retries: "retries" like "retries = 5",
    /// `retries` counted the other way: the first run included.
    max_attempts: "max_attempts" like "max_attempts = 6",
    backoff: "backoff" like "backoff = \"exponential\"",
    unique: "unique" like "unique = \"welcome:{user_id}\"",
    timeout: "timeout" like "timeout = \"30s\"",
    priority: "priority" like "priority = 10",
    /// The path of the library, for crates that re-export it.
    krate: "crate" like "crate = my_crate::simple_queue",
}

/// Arguments whose meaning is decided but not written yet. They are refused, never ignored.
const RESERVED: &[&str] = &[
    "aliases",
    "concurrency",
    "cron",
    "delay",
    "derive",
    "on_exhausted",
    "payload",
    "rate",
    "retain",
    "serial",
    "tz",
    "upgrade",
    "version",
];

/// What `#[job(…)]` on a parameter will mean one day.
const RESERVED_ON_PARAMETERS: &[&str] = &["alias", "default", "rename", "with"];

pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Args {
    let mut args = Args::default();
    for tokens in split_at_commas(tokens, errors) {
        let Some(arg) = argument(tokens, errors) else {
            continue;
        };
        let key = arg.key.to_string();
        match args.slot(&key) {
            None => errors.at(arg.key.span(), refusal(&key)),
            Some(Some(_)) => errors.at(arg.key.span(), format!("argument `{key}` given twice")),
            Some(slot @ None) => *slot = Some(arg),
        }
    }
    args
}

/// Reports every argument of a `#[job(…)]` that stands on a parameter: none is supported yet.
pub(crate) fn refuse_on_parameter(tokens: TokenStream, place: Span, errors: &mut Errors) {
    let before = errors.count();
    for tokens in split_at_commas(tokens, errors) {
        let Some(Arg { key, .. }) = argument(tokens, errors) else {
            continue;
        };
        let name = key.to_string();
        let message = if RESERVED_ON_PARAMETERS.contains(&name.as_str()) {
            not_supported(&name)
        } else {
            let suggestion = did_you_mean(&name, RESERVED_ON_PARAMETERS.iter().copied(), '`');
            format!("unknown argument `{name}` on a parameter{suggestion}")
        };
        errors.at(key.span(), message);
    }
    if errors.count() == before {
        errors.at(place, "`#[job]` means nothing on a parameter");
    }
}

fn refusal(key: &str) -> String {
    if RESERVED.contains(&key) {
        return not_supported(key);
    }
    let suggestion = did_you_mean(key, Args::KEYS.iter().copied(), '`');
    format!(
        "unknown argument `{key}`{suggestion}\n\nnote: the arguments are {}",
        Args::KEYS.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
    )
}

fn not_supported(key: &str) -> String {
    format!("`{key}` is not supported yet")
}

/// The tokens of each argument. A comma that is missing before the next `key =` is reported and
/// taken as written.
fn split_at_commas(tokens: TokenStream, errors: &mut Errors) -> Vec<Vec<TokenTree>> {
    let mut arguments = vec![Vec::new()];
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let current = arguments.last_mut().expect("it starts with one and only grows");
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                if current.is_empty() {
                    errors.at(punct.span(), "expected an argument before this comma");
                }
                arguments.push(Vec::new());
            }
            TokenTree::Ident(key)
                if current.len() > 2 && is_equals(current.get(1)) && is_equals(tokens.peek()) =>
            {
                errors.at(key.span(), format!("expected a comma before `{key}`"));
                arguments.push(vec![token]);
            }
            _ => current.push(token),
        }
    }
    arguments.retain(|tokens| !tokens.is_empty());
    arguments
}

fn argument(tokens: Vec<TokenTree>, errors: &mut Errors) -> Option<Arg> {
    let mut tokens = tokens.into_iter();
    let key = match tokens.next() {
        Some(TokenTree::Ident(key)) => key,
        Some(other) => {
            let rest: TokenStream = std::iter::once(other).chain(tokens).collect();
            errors.on(rest, "expected an argument, like `queue = \"emails\"`");
            return None;
        }
        None => return None,
    };

    let name = key.to_string();
    let example = example(&name);
    let value = match (tokens.next(), tokens.len()) {
        (None, _) => Value::Flag,
        (Some(TokenTree::Group(list)), 0) if list.delimiter() == Delimiter::Parenthesis => {
            Value::List(list)
        }
        (Some(equals), rest) if is_equals(Some(&equals)) => {
            if rest == 0 {
                errors.at(key.span(), format!("`{name}` needs a value, like `{example}`"));
                return None;
            }
            Value::Equals(tokens.collect())
        }
        (Some(other), _) => {
            errors.at(other.span(), format!("expected `=` after `{name}`, like `{example}`"));
            return None;
        }
    };
    Some(Arg { key, value })
}

fn is_equals(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == '=')
}
