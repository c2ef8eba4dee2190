//! All arguments of an attribute.

use proc_macro2::{TokenStream, TokenTree};

use super::args::{Args, DeclarationArgs, INHERITED};
use super::form::Form;
use super::list::{Arg, Table, Value, argument, split_at_commas};
use crate::errors::Errors;

/// The argument lists of one attribute; a struct can have several `#[job(…)]`.
pub(crate) fn parse(
    lists: impl IntoIterator<Item = TokenStream>,
    form: Form,
    errors: &mut Errors,
) -> Args {
    let mut args = Args::default();
    let mut inherited = TokenStream::new();
    let arguments: Vec<Vec<TokenTree>> =
        lists.into_iter().flat_map(|list| split_at_commas(list, errors)).collect();
    for tokens in arguments {
        let Some(arg) = argument::<Args>(tokens, errors) else { continue };
        match (&arg.value, form.misplaced(&arg.key.to_string())) {
            (Value::List(list), _) if arg.key == INHERITED => inherited.extend(list.stream()),
            (_, Some(message)) => errors.at(arg.key.span(), message),
            (_, None) => args.put(arg, &|key| form.unknown(key), errors),
        }
    }
    args.inherit(inherited, form);
    args
}

impl Args {
    /// Takes those of these validated arguments that belong here and are not given already.
    fn inherit(&mut self, inherited: TokenStream, form: Form) {
        let errors = &mut Errors::already_reported();
        for tokens in split_at_commas(inherited, errors) {
            let Some(arg) = argument::<Self>(tokens, errors) else { continue };
            let key = arg.key.to_string();
            let DeclarationArgs { retries, max_attempts, .. } = &self.declaration;
            let counts_attempts = key == "retries" || key == "max_attempts";
            if !form.takes(&key) || counts_attempts && (retries.is_some() || max_attempts.is_some())
            {
                continue;
            }
            if let Some(slot @ None) = self.slot(&key) {
                *slot = Some(Arg { inherited: true, ..arg });
            }
        }
    }
}
