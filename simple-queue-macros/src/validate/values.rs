//! The value of one argument, by its kind. A value of another kind is reported with an example of
//! how the argument is written.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{LitInt, LitStr};

use crate::errors::Errors;
use crate::parse::args::{Arg, Value, example};

/// What follows the `=`.
pub(crate) fn tokens<'a>(arg: &'a Arg, errors: &mut Errors) -> Option<&'a TokenStream> {
    let Arg { key, value } = arg;
    let example = example(&key.to_string());
    match value {
        Value::Equals(tokens) => Some(tokens),
        Value::Flag => {
            errors.at(key.span(), format!("`{key}` needs a value, like `{example}`"));
            None
        }
        Value::List(list) => {
            errors.on(list, format!("`{key}` takes one value, like `{example}`"));
            None
        }
    }
}

pub(crate) fn string(arg: &Arg, errors: &mut Errors) -> Option<LitStr> {
    let tokens = tokens(arg, errors)?;
    let found = syn::parse2::<LitStr>(tokens.clone()).ok();
    if found.is_none() {
        let example = example(&arg.key.to_string());
        errors.on(tokens, format!("expected a string, like `{example}`"));
    }
    found
}

/// A whole number within bounds. `bounds` says what they are, for the message.
pub(crate) fn whole_number<N: TryFrom<i64>>(
    arg: &Arg,
    within: std::ops::RangeInclusive<i64>,
    bounds: &str,
    errors: &mut Errors,
) -> Option<N> {
    let tokens = tokens(arg, errors)?;
    let (negative, digits) = match syn::parse2::<Number>(tokens.clone()) {
        Ok(Number { negative, digits }) if digits.suffix().is_empty() => (negative, digits),
        _ => {
            let example = example(&arg.key.to_string());
            errors.on(tokens, format!("expected a whole number, like `{example}`"));
            return None;
        }
    };
    let value = digits
        .base10_parse::<i64>()
        .ok()
        .map(|value| if negative { -value } else { value })
        .filter(|value| within.contains(value))
        .and_then(|value| N::try_from(value).ok());
    if value.is_none() {
        errors.on(tokens, format!("`{}` must be between {bounds}", arg.key));
    }
    value
}

struct Number {
    negative: bool,
    digits: LitInt,
}

impl syn::parse::Parse for Number {
    fn parse(input: syn::parse::ParseStream) -> syn::Result<Self> {
        let minus: Option<syn::Token![-]> = input.parse()?;
        Ok(Self { negative: minus.is_some(), digits: input.parse()? })
    }
}

/// Tokens as a person would write them, for messages.
pub(crate) fn shown(tokens: impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (spaced, tight) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" < ", "<"),
        ("< ", "<"),
        (" >", ">"),
        ("& ", "&"),
        (" ,", ","),
        (" ;", ";"),
        ("' ", "'"),
    ] {
        text = text.replace(spaced, tight);
    }
    text
}
