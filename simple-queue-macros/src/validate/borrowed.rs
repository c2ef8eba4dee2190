//! Parameters by reference: the context, the transaction, or a part of the worker's state.

use syn::{Type, TypeReference};

use super::shown::shown;
use super::types::{Owned, bare, is_context, is_transaction, mentions};
use crate::errors::Errors;

/// The meaning of a parameter, by its type.
pub(super) enum ParamKind {
    Context,
    Transaction,
    State(Type),
    Stored(Type),
    /// Refused; it was probably meant to be stored.
    Owned(Type),
    /// Refused; it would have been stored.
    Unstorable,
    /// Refused; it would have been borrowed.
    Unborrowable,
}

/// Borrows so far: nothing may be borrowed twice.
#[derive(Default)]
pub(super) struct Borrowed {
    context: bool,
    transaction: bool,
    types: Vec<String>,
}

impl Borrowed {
    pub(super) fn classify(&mut self, reference: &TypeReference, errors: &mut Errors) -> ParamKind {
        let ty = bare(&reference.elem);
        if let Some(owned) = Owned::of(ty) {
            let (borrowed, owned_shown) = (shown(reference), owned.shown);
            let message = format!(
                "job arguments are stored, so `{borrowed}` must be `{owned_shown}`\
                 \n\nnote: by reference, a job takes its worker's state"
            );
            errors.on(reference, message);
            return ParamKind::Owned(owned.ty);
        }
        if is_context(ty) {
            return self.context(reference, errors);
        }
        if is_transaction(ty) {
            return self.transaction(reference, errors);
        }
        if mentions(ty, "impl") {
            errors
                .on(reference, "a job cannot be generic: borrow one known type, or a `&dyn Trait`");
            return ParamKind::Unborrowable;
        }
        if reference.mutability.is_some() {
            let message = "all jobs share the worker's state, so it cannot be `&mut`\
                           \n\nhelp: use `&T` with a lock in it, or take the argument by value";
            errors.on(reference, message);
            return ParamKind::Unborrowable;
        }
        if let Some(lifetime) = reference.lifetime.as_ref().filter(|name| name.ident == "static") {
            let message = "the worker's state is borrowed for one run; write `&` without `'static`";
            errors.on(lifetime, message);
            return ParamKind::Unborrowable;
        }
        let written = shown(ty);
        if self.types.contains(&written) {
            let message = format!(
                "two `&{written}` arguments would be the same value\
                 \n\nhelp: wrap one of the two in a type of its own"
            );
            errors.on(reference, message);
            return ParamKind::Unborrowable;
        }
        self.types.push(written);
        ParamKind::State(ty.clone())
    }

    fn context(&mut self, reference: &TypeReference, errors: &mut Errors) -> ParamKind {
        if reference.mutability.is_some() {
            errors.on(reference, "take the context as `&JobContext`");
            return ParamKind::Unborrowable;
        }
        if self.context {
            errors.on(reference, "this job already takes a `&JobContext`");
            return ParamKind::Unborrowable;
        }
        self.context = true;
        ParamKind::Context
    }

    fn transaction(&mut self, reference: &TypeReference, errors: &mut Errors) -> ParamKind {
        if reference.mutability.is_none() {
            errors.on(reference, TAKE_THE_TRANSACTION);
            return ParamKind::Unborrowable;
        }
        if self.transaction {
            errors.on(reference, "this job already takes a `&mut JobTx`: it is finished in one");
            return ParamKind::Unborrowable;
        }
        self.transaction = true;
        ParamKind::Transaction
    }
}

pub(super) const TAKE_THE_TRANSACTION: &str = "take the transaction as `&mut JobTx`";
