//! `unique` and `fingerprint`: what jobs have in common.

use proc_macro2::Ident;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{ExprArray, LitStr, Token};

use super::params::{Known, Role};
use super::{template, values};
use crate::errors::Errors;
use crate::model::{Piece, Unique};
use crate::parse::args::{UniqueParts, unique_parts};
use crate::parse::item::plain;
use crate::parse::list::{Arg, Value};

/// serde writes tuples of up to so many.
const MOST_ARGUMENTS: usize = 16;

/// What keys can be made of.
pub(crate) struct Keys<'a> {
    pub(crate) function: &'a Ident,
    pub(crate) known: &'a [Known],
}

impl Keys<'_> {
    pub(crate) fn unique(&self, arg: &Arg, errors: &mut Errors) -> Option<Unique> {
        match &arg.value {
            Value::Flag => Some(Unique::AllArguments),
            Value::List(list) => {
                let before = errors.count();
                let UniqueParts { by } = unique_parts(list.stream(), errors);
                if by.is_none() && errors.count() == before {
                    let message = "name the arguments, like `unique(by = [user_id])`; \
                                   `unique` alone is for all of them";
                    errors.on(list, message);
                }
                self.by(&by?, errors).map(Unique::By)
            }
            Value::Equals(_) => {
                let literal = values::string(arg, errors)?;
                let same = format!(
                    "this key is the same for every `{}`; \
                     if only one may wait or run at a time write `unique(by = [])`",
                    plain(self.function)
                );
                self.template(&literal, "unique key", &same, errors).map(Unique::Key)
            }
        }
    }

    pub(crate) fn fingerprint(&self, arg: &Arg, errors: &mut Errors) -> Option<Vec<Piece>> {
        let literal = values::string(arg, errors)?;
        let same = format!(
            "this fingerprint is the same for every `{}`: it groups nothing; \
             put an argument in it, like `{}`",
            plain(self.function),
            arg.example
        );
        self.template(&literal, "fingerprint", &same, errors)
    }

    /// A template in which something changes from job to job.
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
            return None;
        }
        Some(pieces)
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
        let stored: Vec<&str> = self
            .known
            .iter()
            .filter(|known| known.role == Role::Stored)
            .map(|known| &*known.name)
            .collect();
        let mut by = Vec::new();
        for name in &names {
            let place = name.span();
            let name = plain(name);
            if !template::is_stored(&name, place, self.known, errors) {
                continue;
            }
            match stored.iter().position(|stored| *stored == name) {
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
        (errors.count() == before).then_some(by)
    }
}

/// The words in `[a, b]`.
fn names(tokens: &proc_macro2::TokenStream) -> Option<Vec<Ident>> {
    let array = syn::parse2::<ExprArray>(tokens.clone()).ok()?;
    let elems = array.elems;
    let names = Punctuated::<Ident, Token![,]>::parse_terminated;
    let names = names.parse2(quote::quote!(#elems)).ok()?;
    Some(names.into_iter().collect())
}
