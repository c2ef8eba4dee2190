//! The names of a job: its kind, its queue, and the path of the library.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{LitStr, Path};

use super::values;
use crate::errors::Errors;
use crate::model::Queue;
use crate::parse::list::Arg;

/// The library's rule, which the library itself applies to all names that are not literals.
const QUEUE_NAMES: &str =
    "queue names may only use a-z, 0-9, `_`, `-` and `.` (1 to 63 characters)";
const MAX_KIND_LEN: usize = 100;

pub(crate) fn kind(arg: &Arg, errors: &mut Errors) -> Option<String> {
    let literal = values::string(arg, errors)?;
    kind_in(&literal, errors)
}

/// The names in `aliases(…)`.
pub(crate) fn aliases(arg: &Arg, kind: &str, errors: &mut Errors) -> Vec<String> {
    let what = "earlier names of the job";
    let found = values::strings(arg, what, errors).unwrap_or_default();
    let mut aliases: Vec<String> = Vec::new();
    for literal in found {
        match kind_in(&literal, errors) {
            Some(alias) if alias == kind => {
                errors.at(literal.span(), format!("`{alias}` is the present name of the job"));
            }
            Some(alias) if aliases.contains(&alias) => {
                errors.at(literal.span(), format!("`{alias}` is in this list twice"));
            }
            alias => aliases.extend(alias),
        }
    }
    aliases
}

fn kind_in(literal: &LitStr, errors: &mut Errors) -> Option<String> {
    let name = literal.value();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.:/".contains(c);
    if name.is_empty() || name.len() > MAX_KIND_LEN || !name.chars().all(allowed) {
        let message = format!(
            "{name:?} cannot name a job: job names may only use letters, digits, `_`, `-`, `.`, `:` \
             and `/` (1 to {MAX_KIND_LEN} characters)"
        );
        errors.at(literal.span(), message);
        return None;
    }
    Some(name)
}

/// A name, or the path of a constant. A `const` in the expansion checks the constant's value.
pub(crate) fn queue(arg: &Arg, errors: &mut Errors) -> Option<Queue> {
    let tokens = values::tokens(arg, errors)?;
    if let Ok(path) = syn::parse2::<Path>(tokens.clone()) {
        return Some(Queue::Const(path));
    }
    let Ok(literal) = syn::parse2::<LitStr>(tokens.clone()) else {
        let example = arg.example;
        errors.on(tokens, format!("expected a queue name, like `{example}`, or a constant"));
        return None;
    };
    let name = literal.value();
    if !is_queue_name(&name) {
        errors.at(literal.span(), format!("{name:?} cannot name a queue: {QUEUE_NAMES}"));
        return None;
    }
    Some(Queue::Name(name))
}

fn is_queue_name(name: &str) -> bool {
    let allowed =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.');
    (1..=63).contains(&name.len()) && name.chars().all(allowed)
}

/// `crate = path`; in quotes, as serde takes it, is accepted too.
pub(crate) fn krate(arg: &Arg, errors: &mut Errors) -> Option<TokenStream> {
    let tokens = values::tokens(arg, errors)?;
    match values::path(tokens) {
        Ok(path) => Some(path.into_token_stream()),
        Err(_) => {
            let example = arg.example;
            errors.on(tokens, format!("expected the path of simple-queue, like `{example}`"));
            None
        }
    }
}
