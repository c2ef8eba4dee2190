//! Checks whether a function can be a job, apart from its parameters.

use heck::ToUpperCamelCase;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Attribute, FnArg, GenericArgument, GenericParam, PathArguments, ReturnType, Safety, Signature,
    Type, TypeParamBound,
};

use super::shown::shown;
use super::types::{bare, mentions};
use crate::errors::Errors;
use crate::model::{Output, Place, Returned};
use crate::parse::form::Form;
use crate::parse::form::is_job;
use crate::parse::item::{plain, turns_synchronous};

/// Result of the check.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignatureCheck {
    Valid,
    /// It cannot be called as a job.
    Refused,
    /// It is in an `impl` or a trait, where no struct is allowed.
    Associated,
}

/// The payload's name: the function's name in `UpperCamelCase`.
pub(crate) fn payload_name(signature: &Signature, errors: &mut Errors) -> Option<Ident> {
    let function = plain(&signature.ident);
    let name = function.to_upper_camel_case();
    if name == function {
        let snake = heck::ToSnakeCase::to_snake_case(function.as_str());
        let message = format!(
            "a job function is named in snake_case, like `{snake}`: \
             the name `{name}` is for the payload struct\
             \n\nhelp: or give the struct a name of its own, `payload = {name}Job`"
        );
        errors.at(signature.ident.span(), message);
        return None;
    }
    match syn::parse_str::<Ident>(&name) {
        Ok(mut payload) => {
            payload.set_span(signature.ident.span());
            Some(payload)
        }
        Err(_) => {
            let message = format!(
                "the payload struct cannot be called `{name}`; name it, `payload = SomeJob`"
            );
            errors.at(signature.ident.span(), message);
            None
        }
    }
}

pub(crate) fn check(
    attrs: &[Attribute],
    signature: &Signature,
    form: Form,
    errors: &mut Errors,
) -> SignatureCheck {
    for attr in attrs {
        if form.strips(&attr.meta) {
            let message = match (form, is_job(&attr.meta)) {
                (Form::Handler, true) => {
                    "`#[job]` both declares a job and runs it; with `#[handler]` leave it out"
                }
                (Form::Handler, false) => "`#[handler]` given twice",
                _ => "`#[job]` given twice",
            };
            errors.on(attr, message);
        } else if turns_synchronous(&attr.meta) {
            let path = shown(attr.path());
            errors.on(attr, format!("`#[{path}]` takes the `async` away that a job needs"));
        }
    }

    let before = errors.count();
    qualifiers(signature, form, errors);
    generics(signature, errors);
    nameless_output(signature, form, errors);
    boxed_error(signature, errors);
    if is_associated(signature, form, errors) {
        return SignatureCheck::Associated;
    }
    if errors.count() == before { SignatureCheck::Valid } else { SignatureCheck::Refused }
}

/// The doc comments and the deprecation, which the payload struct shares.
pub(crate) fn copied(attrs: Vec<Attribute>) -> (Vec<Attribute>, Option<Attribute>) {
    let (docs, others): (Vec<_>, Vec<_>) =
        attrs.into_iter().partition(|attr| attr.path().is_ident("doc"));
    let deprecated = others.into_iter().find(|attr| attr.path().is_ident("deprecated"));
    (docs, deprecated)
}

/// The function's return type and its place; `otherwise` is the place if it has none.
pub(crate) fn returned(output: &ReturnType, otherwise: Span) -> Returned {
    let ReturnType::Type(_, ty) = output else {
        let place = Place { first: otherwise, last: otherwise };
        return Returned { place, output: Output::Nothing };
    };
    let spans: Vec<Span> = ty.to_token_stream().into_iter().map(|token| token.span()).collect();
    let first = spans.first().copied().unwrap_or(otherwise);
    let place = Place { first, last: spans.last().copied().unwrap_or(first) };
    Returned { place, output: kept(ty) }
}

/// The kept result of a return type. A `Result` is known by its name, so that the handler reports
/// an unusable result once; other types are known only to the compiler.
fn kept(ty: &Type) -> Output {
    let last = |ty: &Type| match ty {
        Type::Path(path) => path.path.segments.last().cloned(),
        _ => None,
    };
    let says_for_itself = |ty: &Type| {
        matches!(ty, Type::Tuple(unit) if unit.elems.is_empty())
            || last(ty).is_some_and(|last| last.ident == "JobResult")
    };
    if says_for_itself(ty) {
        return Output::Nothing;
    }
    let success =
        last(ty).filter(|last| last.ident == "Result").and_then(|last| match last.arguments {
            PathArguments::AngleBracketed(arguments) => match arguments.args.into_iter().next() {
                Some(GenericArgument::Type(ty)) => Some(ty),
                _ => None,
            },
            _ => None,
        });
    match success {
        Some(ty) if says_for_itself(&ty) => Output::Nothing,
        Some(ty) => Output::Value(ty),
        None => Output::Of(ty.clone()),
    }
}

fn qualifiers(signature: &Signature, form: Form, errors: &mut Errors) {
    let Signature { constness, asyncness, safety, abi, fn_token, ident, variadic, .. } = signature;
    if let Some(token) = constness {
        errors.on(token, "a job cannot be `const`: it runs when a worker gets to it");
    }
    if let Safety::Unsafe(token) = safety {
        errors.on(token, "a job cannot be `unsafe`: its only caller is the worker, which cannot check its contract");
    }
    if let Some(abi) = abi {
        errors.on(abi, "a job cannot be `extern`: only the worker calls it");
    }
    if let Some(variadic) = variadic {
        errors
            .on(variadic, "a job cannot be variadic: each stored argument needs a name and a type");
    }
    if asyncness.is_none() && constness.is_none() {
        let attribute = form.attribute();
        let message = format!(
            "a `#[{attribute}]` function must be `async`\n\nhelp: write `async fn {ident}`"
        );
        errors.on(fn_token, message);
    }
}

fn generics(signature: &Signature, errors: &mut Errors) {
    let generics = &signature.generics;
    let only_lifetimes =
        generics.params.iter().all(|param| matches!(param, GenericParam::Lifetime(_)));
    if !generics.params.is_empty() && only_lifetimes {
        let message = "a job has no lifetimes: what it stores is owned, \
                       and a borrowed `&T` of the worker's state needs no name";
        errors.on(&generics.params, message);
    } else if !generics.params.is_empty() {
        let message = "a job cannot be generic: its arguments must have one known type \
                       to be read back from the database";
        errors.on(&generics.params, message);
    } else if let Some(clause) = &generics.where_clause {
        errors.on(clause, "remove the `where` clause: nothing in a job is generic");
    }
}

/// The declaration names the type of the result, so the type needs a name.
fn nameless_output(signature: &Signature, form: Form, errors: &mut Errors) {
    let ReturnType::Type(_, ty) = &signature.output else { return };
    let nameless = match kept(ty) {
        Output::Nothing => false,
        Output::Value(ty) | Output::Of(ty) => mentions(&ty, "impl") || matches!(ty, Type::Never(_)),
    };
    if nameless {
        let attribute = form.attribute();
        let written = shown(ty);
        let message = format!(
            "a `#[{attribute}]` function cannot return `{written}`\
             \n\nhelp: return `()`, or a `Result` of a type that has a name"
        );
        errors.on(ty, message);
    }
}

/// Single-threaded programs return `Box<dyn Error>`; the compiler would report three missing
/// bounds.
fn boxed_error(signature: &Signature, errors: &mut Errors) {
    let ReturnType::Type(_, ty) = &signature.output else { return };
    let Some(boxed) = error_of(ty) else { return };
    let Some(Type::TraitObject(object)) = type_arguments(boxed, "Box").first().copied().map(bare)
    else {
        return;
    };
    let names = |name: &str| {
        object.bounds.iter().any(|bound| match bound {
            TypeParamBound::Trait(bound) => {
                bound.path.segments.last().is_some_and(|last| last.ident == name)
            }
            _ => false,
        })
    };
    if names("Error") && !(names("Send") && names("Sync")) {
        let message = format!(
            "`{}` stays on its thread, and the error of a job does not\
             \n\nhelp: write `BoxDynError`, which is `Box<dyn Error + Send + Sync>`",
            shown(boxed)
        );
        errors.on(boxed, message);
    }
}

/// Returns the `E` of a type that is written as `Result<T, E>`.
fn error_of(ty: &Type) -> Option<&Type> {
    type_arguments(bare(ty), "Result").get(1).copied()
}

/// Returns the types between the brackets of `Name<…>`.
fn type_arguments<'a>(ty: &'a Type, name: &str) -> Vec<&'a Type> {
    let Type::Path(path) = ty else { return Vec::new() };
    let Some(last) = path.path.segments.last().filter(|last| last.ident == name) else {
        return Vec::new();
    };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return Vec::new() };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

fn is_associated(signature: &Signature, form: Form, errors: &mut Errors) -> bool {
    let Signature { ident, inputs, output, .. } = signature;
    if let Some(FnArg::Receiver(receiver)) = inputs.first() {
        let message = "a job cannot take `self`: it is stored, and run later in another process\
                       \n\nhelp: take what it needs as `&T` (the worker's state) or by value (stored)";
        errors.on(receiver, message);
        return true;
    }
    if let Some(word) = first_self(quote::quote!(#inputs #output)) {
        let attribute = form.attribute();
        let message =
            format!("`#[{attribute}]` goes on a free function; move `{ident}` out of the `impl`");
        errors.on(word, message);
        return true;
    }
    false
}

/// Returns the first `Self` in the tokens: only an associated function can use it.
fn first_self(tokens: TokenStream) -> Option<TokenStream> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(word) if word == "Self" => Some(word.into_token_stream()),
        TokenTree::Group(group) => first_self(group.stream()),
        _ => None,
    })
}
