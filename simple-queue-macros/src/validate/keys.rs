//! `unique` and `fingerprint`.

use std::time::Duration;

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
use crate::model::{OnConflict, Piece, StoredArg, Unique, UniqueWhile};
use crate::parse::args::{UniqueParts, unique_parts};
use crate::parse::item::plain;
use crate::parse::list::{Arg, Value, in_a_row};
use crate::suggest::did_you_mean;

/// 16, the longest tuple that serde can write.
const MOST_ARGUMENTS: usize = 16;

/// 3,650 days, the library's upper bound of the time for which a key stays taken.
const LONGEST_TIME: Duration = Duration::from_hours(3650 * 24);

const STATES: [(&str, UniqueWhile); 2] =
    [("pending", UniqueWhile::Pending), ("running", UniqueWhile::Running)];

const CONFLICTS: [(&str, OnConflict); 4] = [
    ("ignore", OnConflict::Ignore),
    ("replace", OnConflict::Replace),
    ("reschedule", OnConflict::Reschedule),
    ("error", OnConflict::Error),
];

/// When a unique key is taken, and what happens then.
#[derive(Default, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) on_conflict: Option<OnConflict>,
    pub(crate) time: Option<Duration>,
    pub(crate) states: Option<UniqueWhile>,
}

/// The arguments that keys can use.
pub(crate) struct Keys<'a> {
    /// Name of the job's function or struct.
    pub(crate) called: &'a str,
    pub(crate) known: &'a [Known],
    pub(crate) stored: &'a [StoredArg],
}

impl Keys<'_> {
    /// Reads `unique`: the key and its rules.
    pub(crate) fn unique(&self, arg: &Arg, errors: &mut Errors) -> (Unique, Rules) {
        match &arg.value {
            Value::Flag => (self.all_arguments(arg.key.span(), errors), Rules::default()),
            Value::List(list) => self.unique_parts(list, arg.key.span(), errors),
            Value::Equals(_) => (self.key(arg, errors).unwrap_or(Unique::No), Rules::default()),
        }
    }

    fn unique_parts(&self, list: &Group, place: Span, errors: &mut Errors) -> (Unique, Rules) {
        let UniqueParts { by, key, on_conflict, time, states } =
            unique_parts(list.stream(), errors);
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
        let rules = Rules {
            on_conflict: on_conflict
                .and_then(|arg| one_of(&arg, "answer to a conflict", CONFLICTS, errors)),
            // A refused time is still one, so that the functions of a kept key compile.
            time: time.map(|arg| self::time(&arg, errors).unwrap_or(LONGEST_TIME)),
            states: states.and_then(|arg| one_of(&arg, "state of a job", STATES, errors)),
        };
        (unique.unwrap_or(Unique::No), rules)
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

    /// The key of `concurrency`.
    pub(crate) fn limit_key(&self, arg: &Arg, errors: &mut Errors) -> Option<Vec<Piece>> {
        let literal = values::string(arg, errors)?;
        let same = format!(
            "this key is the same for every `{}`; to limit all of them together leave `key` out",
            self.called
        );
        self.template(&literal, "key of a limit", &same, errors)
    }

    /// The argument that `cost` names.
    pub(crate) fn cost(&self, arg: &Arg, errors: &mut Errors) -> Option<Piece> {
        let literal = values::string(arg, errors)?;
        let (mut pieces, _) = self.pieces(&literal, "cost", errors)?;
        if let [Piece::Field { .. }] = pieces.as_slice() {
            return pieces.pop();
        }
        let message = format!("name one argument, like `{}`, or write a number", arg.example);
        errors.at(literal.span(), message);
        None
    }

    /// The key of `order`. One that is the same for every job puts all of them in one sequence.
    pub(crate) fn order_key(&self, arg: &Arg, errors: &mut Errors) -> Option<Vec<Piece>> {
        let literal = values::string(arg, errors)?;
        self.pieces(&literal, "key of a sequence", errors).map(|(pieces, _)| pieces)
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
        let (pieces, names_argument) = self.pieces(literal, what, errors)?;
        if !names_argument {
            errors.at(literal.span(), same);
        }
        Some(pieces)
    }

    /// The pieces of a template, and whether they name an argument.
    fn pieces(
        &self,
        literal: &LitStr,
        what: &str,
        errors: &mut Errors,
    ) -> Option<(Vec<Piece>, bool)> {
        if literal.value().is_empty() {
            errors.at(literal.span(), format!("a {what} cannot be empty"));
            return None;
        }
        let (pieces, names_argument) = template::key(literal, self.known, errors)?;
        for piece in &pieces {
            let Piece::Field { argument, place, .. } = piece else { continue };
            if let Some(arg) = self.number(*argument) {
                refuse_redacted(arg, *place, errors);
            }
        }
        // A refused key still exists, so that the lookups compile.
        Some((pieces, names_argument))
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

/// How long the key stays taken.
fn time(arg: &Arg, errors: &mut Errors) -> Option<Duration> {
    let literal = values::string(arg, errors)?;
    let time = values::duration(&literal, errors)?;
    if time.is_zero() {
        let message = "a key that is kept for no time is free when its job has ended; \
                       leave `for` out for that";
        errors.at(literal.span(), message);
        return None;
    }
    if time > LONGEST_TIME {
        let message = format!(
            "\"{}\" is too long for a key: the limit is \"3650d\"\
             \n\nhelp: a key that is never free again belongs in a table of yours",
            literal.value()
        );
        errors.at(literal.span(), message);
        return None;
    }
    Some(time)
}

/// Reads one of these names, in quotes.
pub(crate) fn one_of<T: Copy, const N: usize>(
    arg: &Arg,
    what: &str,
    choices: [(&str, T); N],
    errors: &mut Errors,
) -> Option<T> {
    let key = &arg.key;
    let tokens = values::tokens(arg, errors)?;
    let names = || choices.iter().map(|(name, _)| *name);
    let known = |name: &str| choices.iter().find(|(known, _)| *known == name);
    if let Ok(word) = syn::parse2::<Ident>(tokens.clone())
        && known(&word.to_string()).is_some()
    {
        errors.at(word.span(), format!("write it in quotes, `{key} = \"{word}\"`"));
        return None;
    }
    let Ok(literal) = syn::parse2::<LitStr>(tokens.clone()) else {
        let names = in_a_row(names()).replace('`', "\"");
        errors.on(tokens, format!("`{key}` is one of {names}, not `{}`", shown(tokens)));
        return None;
    };
    let name = literal.value();
    if known(&name).is_none() {
        let suggestion = did_you_mean(&name, names(), '"');
        let names = names().collect::<Vec<_>>().join(", ");
        let message = format!("unknown {what} \"{name}\"{suggestion} ({names})");
        errors.at(literal.span(), message);
    }
    known(&name).map(|(_, choice)| *choice)
}

/// The words in `[a, b]`.
fn names(tokens: &proc_macro2::TokenStream) -> Option<Vec<Ident>> {
    let array = syn::parse2::<ExprArray>(tokens.clone()).ok()?;
    let elems = array.elems;
    let names = Punctuated::<Ident, Token![,]>::parse_terminated;
    let names = names.parse2(quote::quote!(#elems)).ok()?;
    Some(names.into_iter().collect())
}
