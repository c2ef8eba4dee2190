//! Attributes of a stored argument: doc comments, and `#[job(…)]` with serde's options.

use proc_macro2::{Span, TokenStream};
use syn::{Attribute, Expr, LitStr, Meta, TypeReference};

use super::shown::shown;
use super::types::{bare, is_context};
use super::values;
use crate::errors::Errors;
use crate::model::{FieldDefault, FieldOptions, StoredArg};
use crate::parse::args::{ParamArgs, on_parameter};
use crate::parse::form::is_job;
use crate::parse::item::plain;
use crate::parse::list::{Arg, Value};

pub(crate) struct FieldAttrs {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) options: FieldOptions,
    /// Place of the first `#[job(…)]` with arguments.
    pub(crate) place: Option<Span>,
}

/// Reads the attributes of a stored argument, and reports those that it cannot have.
pub(crate) fn field_attrs(attrs: &[Attribute], errors: &mut Errors) -> FieldAttrs {
    let mut docs = Vec::new();
    let mut place = None;
    let mut args = ParamArgs::default();
    let mut aliases = Vec::new();
    for attr in attrs {
        let path = attr.path();
        if path.is_ident("doc") {
            docs.push(attr.clone());
        } else if path.is_ident("serde") {
            let message = "the attributes of an argument are not passed on to serde\
                           \n\nhelp: `#[job(..)]` takes `default`, `rename`, `alias` and `with`";
            errors.on(attr, message);
        } else if is_job(&attr.meta) {
            let tokens = match &attr.meta {
                Meta::List(list) => list.tokens.clone(),
                _ => TokenStream::new(),
            };
            let here = path.segments.last().map_or_else(Span::call_site, |last| last.ident.span());
            if tokens.is_empty() {
                errors.at(here, "`#[job]` alone means nothing on a parameter");
                continue;
            }
            place = place.or(Some(here));
            aliases.extend(on_parameter(tokens, &mut args, errors));
        }
    }
    FieldAttrs { docs, options: options(args, &aliases, errors), place }
}

/// A borrowed argument is not stored, so it has no options.
pub(crate) fn refuse_borrowed(reference: &TypeReference, place: Span, errors: &mut Errors) {
    let written = shown(reference);
    let role =
        if is_context(bare(&reference.elem)) { "the job's context" } else { "the worker's state" };
    let message = format!("`#[job(..)]` is for arguments that are stored; `{written}` is {role}");
    errors.at(place, message);
}

/// Refuses two arguments with one stored name: they could not be told apart when the job is read.
pub(crate) fn refuse_shared_names(stored: &mut [StoredArg], errors: &mut Errors) {
    let unrenamed = stored.iter().filter(|arg| arg.options.rename.is_none());
    let mut taken: Vec<String> = unrenamed.map(|arg| plain(&arg.name)).collect();
    let mut is_free = |literal: &LitStr| {
        let name = literal.value();
        let free = !taken.contains(&name);
        if !free {
            errors.at(literal.span(), format!("an argument is stored as `{name}` already"));
        }
        taken.push(name);
        free
    };
    for arg in &mut *stored {
        arg.options.rename = arg.options.rename.take().filter(&mut is_free);
    }
    for arg in stored {
        arg.options.aliases.retain(&mut is_free);
    }
}

fn options(args: ParamArgs, aliases: &[Arg], errors: &mut Errors) -> FieldOptions {
    // Destructured in full: an argument that is added to `ParamArgs` has to be used here.
    let ParamArgs { default, rename, with, redact } = args;
    FieldOptions {
        default: default.and_then(|arg| self::default(&arg, errors)),
        rename: rename.and_then(|arg| name(&arg, errors)),
        aliases: aliases.iter().filter_map(|arg| name(arg, errors)).collect(),
        with: with.and_then(|arg| {
            let tokens = values::tokens(&arg, errors)?;
            let path = values::path(tokens).ok();
            if path.is_none() {
                let message = format!("expected the path of a module, like `{}`", arg.example);
                errors.on(tokens, message);
            }
            path
        }),
        redact: redact.filter(|arg| values::flag(arg, errors)).map(|arg| arg.key.span()),
    }
}

fn default(arg: &Arg, errors: &mut Errors) -> Option<FieldDefault> {
    match &arg.value {
        Value::Flag => Some(FieldDefault::OfType),
        Value::Equals(tokens) => match syn::parse2::<Expr>(tokens.clone()) {
            Ok(value) => Some(FieldDefault::Value(Box::new(value))),
            Err(_) => {
                errors.on(tokens, "expected a value, like `default = 7`");
                None
            }
        },
        Value::List(list) => {
            errors.on(list, "write `default`, or a value like `default = 7`");
            None
        }
    }
}

fn name(arg: &Arg, errors: &mut Errors) -> Option<LitStr> {
    let name = values::string(arg, errors)?;
    if name.value().is_empty() {
        errors.at(name.span(), "the name of a stored argument cannot be empty");
        return None;
    }
    Some(name)
}
