//! The value of one argument, by its kind. The message for a value of another kind has an example
//! of the argument.

use std::ops::Range;
use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{LitBool, LitFloat, LitInt, LitStr, Path, Token};

use super::duration;
use crate::errors::Errors;
use crate::parse::list::{Arg, Value};

/// Returns the tokens after the `=`.
pub(crate) fn tokens<'a>(arg: &'a Arg, errors: &mut Errors) -> Option<&'a TokenStream> {
    let Arg { key, value, example, inherited: _ } = arg;
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
        errors.on(tokens, format!("expected a string, like `{}`", arg.example));
    }
    found
}

/// Returns a whole number within bounds. `bounds` describes them for the message.
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
            errors.on(tokens, format!("expected a whole number, like `{}`", arg.example));
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

/// Returns a number with or without a fraction, and its tokens for further checks.
pub(crate) fn number<'a>(arg: &'a Arg, errors: &mut Errors) -> Option<(f64, &'a TokenStream)> {
    let tokens = tokens(arg, errors)?;
    let negative = tokens.to_string().starts_with('-');
    let digits: TokenStream = tokens.clone().into_iter().skip(usize::from(negative)).collect();
    let (text, suffix) = match syn::parse2::<LitFloat>(digits.clone()) {
        Ok(float) => (float.base10_digits().to_owned(), float.suffix().to_owned()),
        Err(_) => match syn::parse2::<LitInt>(digits) {
            Ok(int) => (int.base10_digits().to_owned(), int.suffix().to_owned()),
            Err(_) => (String::new(), String::new()),
        },
    };
    match text.parse::<f64>() {
        Ok(number) if suffix.is_empty() => Some((if negative { -number } else { number }, tokens)),
        _ => {
            errors.on(tokens, format!("expected a number, like `{}`", arg.example));
            None
        }
    }
}

/// Returns a path, in quotes or without.
pub(crate) fn path(tokens: &TokenStream) -> syn::Result<Path> {
    match syn::parse2::<LitStr>(tokens.clone()) {
        Ok(literal) => literal.parse_with(Path::parse_mod_style),
        Err(_) => Path::parse_mod_style.parse2(tokens.clone()),
    }
}

/// Returns `true` or `false`.
pub(crate) fn boolean(arg: &Arg, errors: &mut Errors) -> Option<bool> {
    let tokens = tokens(arg, errors)?;
    let found = syn::parse2::<LitBool>(tokens.clone()).ok();
    if found.is_none() {
        errors.on(tokens, format!("expected `true` or `false`, like `{}`", arg.example));
    }
    found.map(|found| found.value)
}

/// Returns whether the argument is given; it takes no value.
pub(crate) fn flag(arg: &Arg, errors: &mut Errors) -> bool {
    let alone = matches!(arg.value, Value::Flag);
    if !alone {
        errors.at(arg.key.span(), format!("`{}` takes no value", arg.key));
    }
    alone
}

/// Returns the duration in a string.
pub(crate) fn duration(literal: &LitStr, errors: &mut Errors) -> Option<Duration> {
    match duration::parse(&literal.value()) {
        Ok(duration) => Some(duration),
        Err(wrong) => {
            errors.at(place_within(literal, wrong.place), wrong.message);
            None
        }
    }
}

/// Returns the place within a string literal, if the compiler provides it; otherwise the whole
/// literal.
pub(crate) fn place_within(literal: &LitStr, place: Range<usize>) -> Span {
    let token = literal.token();
    let text = token.to_string();
    let opening = text.find('"').map_or(0, |quote| quote + 1);
    let as_written = text.contains(&literal.value());
    let place = place.start + opening..place.end + opening;
    token.subspan(place).filter(|_| as_written).unwrap_or_else(|| literal.span())
}

struct Number {
    negative: bool,
    digits: LitInt,
}

impl syn::parse::Parse for Number {
    fn parse(input: syn::parse::ParseStream) -> syn::Result<Self> {
        let minus: Option<Token![-]> = input.parse()?;
        Ok(Self { negative: minus.is_some(), digits: input.parse()? })
    }
}

/// Returns the path of an item: a constant, a static, a function.
pub(crate) fn item(arg: &Arg, what: &str, errors: &mut Errors) -> Option<Path> {
    let tokens = tokens(arg, errors)?;
    let path = syn::parse2::<Path>(tokens.clone()).ok();
    if path.is_none() {
        errors.on(tokens, format!("expected the path of {what}, like `{}`", arg.example));
    }
    path
}

/// Returns the strings in `tags("a", "b")`; there is at least one.
pub(crate) fn strings(arg: &Arg, what: &str, errors: &mut Errors) -> Option<Vec<LitStr>> {
    let found = match &arg.value {
        Value::List(list) => {
            Punctuated::<LitStr, Token![,]>::parse_terminated.parse2(list.stream()).ok()
        }
        Value::Flag | Value::Equals(_) => None,
    };
    let found = found.filter(|found| !found.is_empty());
    if found.is_none() {
        errors.at(arg.key.span(), format!("list {what}, like `{}`", arg.example));
    }
    found.map(|found| found.into_iter().collect())
}
