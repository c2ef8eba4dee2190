//! What the payload struct is called, and what it derives.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Path, Token};

use super::values;
use crate::errors::Errors;
use crate::parse::item::plain;
use crate::parse::list::{Arg, Value};

/// The name in `payload = Name`.
pub(crate) fn payload(arg: &Arg, function: &Ident, errors: &mut Errors) -> Option<Ident> {
    let tokens = values::tokens(arg, errors)?;
    let Ok(name) = syn::parse2::<Ident>(tokens.clone()) else {
        let example = arg.example;
        errors.on(tokens, format!("expected the name of the payload struct, like `{example}`"));
        return None;
    };
    let written = plain(&name);
    if name == *function {
        errors.at(
            name.span(),
            format!("`{written}` is the function; its struct needs a name of its own"),
        );
        return None;
    }
    if written.starts_with(|first: char| first.is_lowercase() || first == '_') {
        let suggestion = heck::ToUpperCamelCase::to_upper_camel_case(written.as_str());
        let message = format!("the payload struct is named like a type, `{suggestion}`");
        errors.at(name.span(), message);
        return None;
    }
    Some(name)
}

/// The paths in `derive(…)`.
pub(crate) fn derives(arg: &Arg, errors: &mut Errors) -> Vec<Path> {
    let found = match &arg.value {
        Value::List(list) => {
            Punctuated::<Path, Token![,]>::parse_terminated.parse2(list.stream()).ok()
        }
        Value::Flag | Value::Equals(_) => None,
    };
    let Some(found) = found.filter(|found| !found.is_empty()) else {
        errors.at(arg.key.span(), format!("list what to derive, like `{}`", arg.example));
        return Vec::new();
    };
    let mut valid: Vec<Path> = Vec::new();
    for path in found {
        let name = path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let same = |other: &Path| {
            other.to_token_stream().to_string() == path.to_token_stream().to_string()
        };
        if name == "Serialize" || name == "Deserialize" {
            let message = format!("the payload struct has `{name}` already: it is stored with it");
            errors.on(path, message);
        } else if valid.iter().any(same) {
            errors.on(path, format!("`{name}` is in this list twice"));
        } else {
            valid.push(path);
        }
    }
    valid
}
