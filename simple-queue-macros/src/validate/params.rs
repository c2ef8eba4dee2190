//! Parameters: the context, the transaction, a part of the worker's state, or a stored argument.

use proc_macro2::{Ident, Span};
use quote::{ToTokens, format_ident};
use syn::{FnArg, Pat, PatType, Signature, Type};

use super::borrowed::{Borrowed, ParamKind, TAKE_THE_TRANSACTION};
use super::field::{self, FieldAttrs};
use super::shown::shown;
use super::types::{
    bare, first_borrow, is_context, is_transaction, mentions, optional_reference, owned,
};
use crate::errors::Errors;
use crate::model::{Param, StoredArg, StubArg};
use crate::parse::item::plain;

/// The meaning of arguments by value.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum ByValue {
    /// Each is stored.
    Arguments,
    /// One is the whole payload.
    Payload,
}

/// All parameters of a job.
pub(crate) struct Params {
    /// Whether none was refused.
    pub(crate) valid: bool,
    /// In the order of the signature.
    pub(crate) handed: Vec<Param>,
    /// The stored ones.
    pub(crate) stored: Vec<StoredArg>,
    /// The type of the payload, if the function takes it whole.
    pub(crate) payload: Option<Type>,
    /// The payload's fields, as far as they can be guessed. Needed only if something was refused.
    pub(crate) guessed: Vec<StubArg>,
    /// Every name in the signature, for arguments that refer to one.
    pub(crate) known: Vec<Known>,
}

/// A name in the signature.
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) role: Role,
}

#[derive(PartialEq)]
pub(crate) enum Role {
    Stored,
    /// Borrowed, with the type as written.
    Injected(String),
    /// Already reported.
    Refused,
}

pub(crate) fn classify(signature: &Signature, by_value: ByValue, errors: &mut Errors) -> Params {
    let mut params = Params {
        valid: true,
        handed: Vec::new(),
        stored: Vec::new(),
        payload: None,
        guessed: Vec::new(),
        known: Vec::new(),
    };
    let mut borrowed = Borrowed::default();
    for input in &signature.inputs {
        let FnArg::Typed(param) = input else { continue };
        params.take_in(param, by_value, &mut borrowed, errors);
    }
    if by_value == ByValue::Payload && params.payload.is_none() && params.valid {
        let message = "a handler takes its job by value, like `job: SendEmail`";
        errors.at(signature.ident.span(), message);
        params.valid = false;
    }
    if !signature.generics.params.is_empty() {
        params.guessed.fill_with(|| StubArg::Anything);
    }
    field::refuse_shared_names(&mut params.stored, errors);
    params
}

impl Params {
    fn take_in(
        &mut self,
        param: &PatType,
        by_value: ByValue,
        borrowed: &mut Borrowed,
        errors: &mut Errors,
    ) {
        let FieldAttrs { docs, options, place } = field::field_attrs(&param.attrs, errors);
        let before = errors.count();
        let ty = bare(&param.ty);
        let kind = match ty {
            Type::Reference(reference) => borrowed.classify(reference, errors),
            owned => classify_owned(owned, errors),
        };
        let named = || name(&param.pat).cloned();
        let unnamed = format_ident!("argument_{}", self.guessed.len() + 1);
        match kind {
            ParamKind::Context => self.handed.push(Param::Context),
            ParamKind::Transaction => self.handed.push(Param::Transaction),
            ParamKind::State(ty) => self.handed.push(Param::State(Box::new(ty))),
            ParamKind::Stored(ty) if by_value == ByValue::Payload => {
                self.take_payload(param, ty, place, errors);
            }
            ParamKind::Stored(ty) => {
                let name = stored_name(&param.pat, &ty, errors).unwrap_or(unnamed);
                let stub = StubArg::Stored { name: name.clone(), ty: Box::new(ty.clone()) };
                self.guessed.push(stub);
                self.handed.push(Param::Stored(name.clone()));
                self.stored.push(StoredArg { name, ty, docs, options });
            }
            ParamKind::Owned(ty) => {
                let name = named().unwrap_or(unnamed);
                self.guessed.push(StubArg::Owned { name, ty: Box::new(ty) });
            }
            ParamKind::Unstorable => self.guessed.push(StubArg::Anything),
            ParamKind::Unborrowable => {}
        }
        let refused = errors.count() != before;
        if let (Some(place), false, Type::Reference(reference)) = (place, refused, ty) {
            field::refuse_borrowed(reference, place, errors);
        }
        let role = match ty {
            _ if refused => Role::Refused,
            Type::Reference(_) => Role::Injected(shown(ty)),
            _ => Role::Stored,
        };
        self.known.extend(named().map(|name| Known { name: plain(&name), role }));
        self.valid &= !refused;
    }

    fn take_payload(
        &mut self,
        param: &PatType,
        ty: Type,
        place: Option<Span>,
        errors: &mut Errors,
    ) {
        if let Some(first) = &self.payload {
            let message = format!(
                "a handler takes one argument by value, its job, which is `{}` here\
                 \n\nhelp: what else the job needs is a field of it, or the worker's state `&{}`",
                shown(first),
                shown(&ty)
            );
            errors.on(param, message);
            return;
        }
        if let Some(place) = place {
            let message = format!(
                "`#[job(..)]` is for stored arguments; write it on a field of `{}`",
                shown(&ty)
            );
            errors.at(place, message);
        }
        self.handed.push(Param::Payload);
        self.payload = Some(ty);
    }
}

/// Returns whether the only argument by value is a struct of the payload's name.
pub(crate) fn takes_payload(signature: &Signature, payload: &Ident) -> bool {
    let mut by_value = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(param) => Some(bare(&param.ty)).filter(|ty| !matches!(ty, Type::Reference(_))),
        FnArg::Receiver(_) => None,
    });
    let is_named = |ty: &Type| match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == *payload && last.arguments.is_none()),
        _ => false,
    };
    matches!((by_value.next(), by_value.next()), (Some(ty), None) if is_named(ty))
}

/// Returns whether a field of this type can be stored.
pub(crate) fn is_storable(ty: &Type, errors: &mut Errors) -> bool {
    matches!(classify_owned(bare(ty), errors), ParamKind::Stored(_))
}

/// Classifies an argument by value.
fn classify_owned(ty: &Type, errors: &mut Errors) -> ParamKind {
    if is_transaction(ty) {
        errors.on(ty, TAKE_THE_TRANSACTION);
        return ParamKind::Unborrowable;
    }
    if is_context(ty) {
        errors.on(ty, "take the context as `&JobContext`");
        return ParamKind::Unborrowable;
    }
    if mentions(ty, "impl") {
        let message = "a job cannot be generic: its arguments must have one known type \
                       to be read back from the database";
        errors.on(ty, message);
        return ParamKind::Unstorable;
    }
    if matches!(ty, Type::TraitObject(_)) {
        let written = shown(ty);
        let message = format!(
            "`{written}` cannot be stored\n\nhelp: as the worker's state it is `&{written}`"
        );
        errors.on(ty, message);
        return ParamKind::Unstorable;
    }
    if let Some(borrow) = first_borrow(ty.to_token_stream()) {
        let help = match optional_reference(ty) {
            Some(state) => format!(
                "state that may be missing is `&Option<{state}>`, a field `Option<{state}>` of the worker's state; \
                 stored it is `{}`",
                shown(owned(ty))
            ),
            None => format!("write `{}`", shown(owned(ty))),
        };
        let message =
            format!("job arguments are stored, so nothing in them can be borrowed\n\nhelp: {help}");
        errors.on(borrow, message);
        return ParamKind::Unstorable;
    }
    ParamKind::Stored(ty.clone())
}

/// Returns the name of the stored field.
fn stored_name(pat: &Pat, ty: &Type, errors: &mut Errors) -> Option<Ident> {
    let found = name(pat).cloned();
    if found.is_none() {
        let message = match pat {
            Pat::Wild(_) => {
                "give this argument a name: it is the name of the stored field".to_owned()
            }
            _ => format!(
                "a job argument needs a name: it is the name of the stored field\
                 \n\nhelp: write `name: {}`, and take it apart in the body",
                shown(ty)
            ),
        };
        errors.on(pat, message);
    }
    found
}

fn name(pat: &Pat) -> Option<&Ident> {
    match pat {
        Pat::Ident(pat) if pat.subpat.is_none() => Some(&pat.ident),
        Pat::Paren(pat) => name(&pat.pat),
        _ => None,
    }
}
