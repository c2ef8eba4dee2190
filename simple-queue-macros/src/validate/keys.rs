//! `unique` and `fingerprint`.

use proc_macro2::{Group, Ident, Span};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{ExprArray, LitStr, Token};

use super::params::{Known, Role};
use super::shown::shown;
use super::template;
use super::types::unordered;
use super::values;
use crate::errors::Errors;
use crate::model::{OnConflict, Piece, StoredArg, Unique};
use crate::parse::args::{UniqueParts, unique_parts};
use crate::parse::item::plain;
use crate::parse::list::{Arg, Value, in_a_row};
use crate::suggest::did_you_mean;

/// 16, the longest tuple that serde can write.
const MOST_ARGUMENTS: usize = 16;

const CONFLICTS: [(&str, OnConflict); 4] = [
    ("ignore", OnConflict::Ignore),
    ("replace", OnConflict::Replace),
    ("reschedule", OnConflict::Reschedule),
    ("error", OnConflict::Error),
];

/// The arguments that keys can use.
pub(crate) struct Keys<'a> {
    /// Name of the job's function or struct.
    pub(crate) called: &'a str,
    pub(crate) known: &'a [Known],
    pub(crate) stored: &'a [StoredArg],
}

impl Keys<'_> {
    /// Reads `unique`, and what happens if a key is taken.
    pub(crate) fn unique(&self, arg: &Arg, errors: &mut Errors) -> (Unique, Option<OnConflict>) {
        match &arg.value {
            Value::Flag => (self.all_arguments(arg.key.span(), errors), None),
            Value::List(list) => self.unique_parts(list, arg.key.span(), errors),
            Value::Equals(_) => (self.key(arg, errors).unwrap_or(Unique::No), None),
        }
    }

    fn unique_parts(
        &self,
        list: &Group,
        place: Span,
        errors: &mut Errors,
    ) -> (Unique, Option<OnConflict>) {
        let UniqueParts { by, key, on_conflict } = unique_parts(list.stream(), errors);
        if list.stream().is_empty() {
            let message = "name the arguments, like `unique(by = [user_id])`; \
                           `unique` alone is for all of them";
            errors.on(list, message);
        }
        let unique = match (by, key) {
            (Some(_), Some(key)) => {
                let message = "use `by` or `key`, not both: a key names its arguments itself";
                errors.at(key.key.span(), message);
                None
            }
            (Some(by), None) => self.by(&by, errors).map(Unique::By),
            (None, Some(key)) => self.key(&key, errors),
            (None, None) => Some(self.all_arguments(place, errors)),
        };
        let on_conflict = on_conflict.and_then(|arg| conflict(&arg, errors));
        (unique.unwrap_or(Unique::No), on_conflict)
    }

    fn key(&self, arg: &Arg, errors: &mut Errors) -> Option<Unique> {
        let literal = values::string(arg, errors)?;
        let same = format!(
            "this key is the same for every `{}`; \
             if only one may wait or run at a time write `unique(by = [])`",
            self.called
        );
        self.template(&literal, "unique key", &same, errors).map(Unique::Key)
    }

    pub(crate) fn fingerprint(&self, arg: &Arg, errors: &mut Errors) -> Option<Vec<Piece>> {
        let literal = values::string(arg, errors)?;
        let same = format!(
            "this fingerprint is the same for every `{}`: it groups nothing; \
             put an argument in it, like `{}`",
            self.called, arg.example
        );
        self.template(&literal, "fingerprint", &same, errors)
    }

    /// A template that differs from job to job.
    fn template(
        &self,
        literal: &LitStr,
        what: &str,
        same: &str,
        errors: &mut Errors,
    ) -> Option<Vec<Piece>> {
        if literal.value().is_empty() {
            errors.at(literal.span(), format!("a {what} cannot be empty"));
            return None;
        }
        let (pieces, names_argument) = template::key(literal, self.known, errors)?;
        if !names_argument {
            errors.at(literal.span(), same);
        }
        for piece in &pieces {
            let Piece::Field { argument, place, .. } = piece else { continue };
            if let Some(arg) = self.number(*argument) {
                refuse_redacted(arg, *place, errors);
            }
        }
        // A refused key still exists, so that the lookups compile.
        Some(pieces)
    }

    /// `unique` over all arguments.
    fn all_arguments(&self, place: Span, errors: &mut Errors) -> Unique {
        for arg in self.stored {
            refuse_in_hash(arg, place, errors);
        }
        Unique::AllArguments
    }

    /// The stored argument with this number among the valid ones.
    fn number(&self, number: usize) -> Option<&StoredArg> {
        let name = &self.known.iter().filter(|known| known.role == Role::Stored).nth(number)?.name;
        self.stored.iter().find(|arg| plain(&arg.name) == *name)
    }

    /// The numbers of the named arguments among the stored ones.
    fn by(&self, arg: &Arg, errors: &mut Errors) -> Option<Vec<usize>> {
        let before = errors.count();
        let tokens = values::tokens(arg, errors)?;
        let expected = format!("list the names of arguments, like `{}`", arg.example);
        let Some(names) = names(tokens) else {
            errors.on(tokens, expected);
            return None;
        };
        let mut by = Vec::new();
        for name in &names {
            let place = name.span();
            let name = plain(name);
            match template::stored_index(&name, place, self.known, errors) {
                Some(number) if by.contains(&number) => {
                    errors.at(place, format!("`{name}` is in this list twice"));
                }
                number => by.extend(number),
            }
        }
        if by.len() > MOST_ARGUMENTS {
            let message = format!(
                "a key is made of at most {MOST_ARGUMENTS} arguments; \
                 write `unique` for all of them"
            );
            errors.on(tokens, message);
        }
        let valid = errors.count() == before;
        for (number, name) in by.iter().zip(&names) {
            if let Some(arg) = self.number(*number) {
                refuse_in_hash(arg, name.span(), errors);
            }
        }
        valid.then_some(by)
    }
}

/// A key is readable in the tables and in messages.
fn refuse_redacted(arg: &StoredArg, place: Span, errors: &mut Errors) {
    if arg.options.redact.is_some() {
        let message = format!(
            "`{}` is redacted, and a key is stored in readable form\
             \n\nhelp: make the key of other arguments, like `unique(by = [user_id])`; \
             the hash of a secret can be guessed from too",
            plain(&arg.name)
        );
        errors.at(place, message);
    }
}

/// In addition, serde must write equal values alike.
fn refuse_in_hash(arg: &StoredArg, place: Span, errors: &mut Errors) {
    refuse_redacted(arg, place, errors);
    if let Some(set) = unordered(&arg.ty) {
        let message = format!(
            "`{}` is a `{set}`, whose stored order is random: equal sets would have different keys\
             \n\nhelp: take a `BTreeSet`, or make the key of other arguments, like `unique(by = [user_id])`",
            plain(&arg.name)
        );
        errors.at(place, message);
    }
}

fn conflict(arg: &Arg, errors: &mut Errors) -> Option<OnConflict> {
    let tokens = values::tokens(arg, errors)?;
    let known = |name: &str| CONFLICTS.iter().find(|(known, _)| *known == name);
    if let Ok(word) = syn::parse2::<Ident>(tokens.clone())
        && known(&word.to_string()).is_some()
    {
        errors.at(word.span(), format!("write it in quotes, `on_conflict = \"{word}\"`"));
        return None;
    }
    let Ok(literal) = syn::parse2::<LitStr>(tokens.clone()) else {
        let names = in_a_row(CONFLICTS.map(|(name, _)| name)).replace('`', "\"");
        errors.on(tokens, format!("`{}` is one of {names}, not `{}`", arg.key, shown(tokens)));
        return None;
    };
    let name = literal.value();
    if known(&name).is_none() {
        let suggestion = did_you_mean(&name, CONFLICTS.map(|(known, _)| known), '"');
        let message = format!(
            "unknown answer to a conflict \"{name}\"{suggestion} (ignore, replace, reschedule, error)"
        );
        errors.at(literal.span(), message);
    }
    known(&name).map(|(_, conflict)| *conflict)
}

/// The words in `[a, b]`.
fn names(tokens: &proc_macro2::TokenStream) -> Option<Vec<Ident>> {
    let array = syn::parse2::<ExprArray>(tokens.clone()).ok()?;
    let elems = array.elems;
    let names = Punctuated::<Ident, Token![,]>::parse_terminated;
    let names = names.parse2(quote::quote!(#elems)).ok()?;
    Some(names.into_iter().collect())
}
