//! What each parameter is for: the context, the transaction, a part of the worker's state, or a stored
//! argument.

use proc_macro2::Ident;
use quote::{ToTokens, format_ident};
use syn::{Attribute, FnArg, Pat, PatType, Signature, Type, TypeReference};

use super::field::{self, Noted};
use super::types::{Owned, bare, first_borrow, is_context, is_transaction, mentions};
use super::values::shown;
use crate::errors::Errors;
use crate::model::{Param, StoredArg, StubArg};
use crate::parse::item::plain;

/// All parameters of a job.
pub(crate) struct Params {
    /// `None` when a parameter was refused.
    pub(crate) sound: Option<Vec<Param>>,
    /// What the payload would store, as far as that can be guessed. Only needed when something was
    /// refused.
    pub(crate) guessed: Vec<StubArg>,
    /// Every name in the signature, for whoever refers to one.
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

pub(crate) fn judge(signature: &Signature, errors: &mut Errors) -> Params {
    let (mut sound, mut guessed, mut known) = (Some(Vec::new()), Vec::new(), Vec::new());
    let mut borrowed = Borrowed::default();
    for input in &signature.inputs {
        let FnArg::Typed(param) = input else { continue };
        let Noted { docs, options, place } = field::noted(param, errors);
        let before = errors.count();
        refuse_cfg(param, errors);
        let ty = bare(&param.ty);
        let judged = match ty {
            Type::Reference(reference) => borrowed.judge(reference, errors),
            owned => stored(owned, errors),
        };
        let named = || name(&param.pat).cloned();
        let unnamed = || format_ident!("argument_{}", guessed.len() + 1);
        let (param, stub) = match judged {
            Judged::Context => (Some(Param::Context), None),
            Judged::Transaction => (Some(Param::Transaction), None),
            Judged::State(ty) => (Some(Param::State(ty)), None),
            Judged::Stored(ty) => {
                let name = stored_name(&param.pat, &ty, errors).unwrap_or_else(unnamed);
                let stub = StubArg::Stored { name: name.clone(), ty: Box::new(ty.clone()) };
                (Some(Param::Stored(StoredArg { name, ty, docs, options })), Some(stub))
            }
            Judged::Owned(ty) => {
                let name = named().unwrap_or_else(unnamed);
                (None, Some(StubArg::Owned { name, ty: Box::new(ty) }))
            }
            Judged::Unstorable => (None, Some(StubArg::Anything)),
            Judged::Unborrowable => (None, None),
        };
        guessed.extend(stub);
        if let (Some(sound), Some(param)) = (&mut sound, param) {
            sound.push(param);
        }
        let refused = errors.count() != before;
        if let (Some(place), false, Type::Reference(reference)) = (place, refused, ty) {
            field::refuse_borrowed(reference, place, errors);
        }
        if refused {
            sound = None;
        }
        let role = match ty {
            _ if refused => Role::Refused,
            Type::Reference(_) => Role::Injected(shown(ty)),
            _ => Role::Stored,
        };
        known.extend(named().map(|name| Known { name: plain(&name), role }));
    }
    if !signature.generics.params.is_empty() {
        guessed.fill_with(|| StubArg::Anything);
    }
    field::refuse_shared_names(sound.as_deref_mut().unwrap_or_default(), errors);
    Params { sound, guessed, known }
}

/// What one parameter's type makes of it.
enum Judged {
    Context,
    Transaction,
    State(Type),
    Stored(Type),
    /// Refused; this was probably meant to be stored.
    Owned(Type),
    /// Refused, and it would have been stored.
    Unstorable,
    /// Refused, and it would have been borrowed.
    Unborrowable,
}

/// What is borrowed so far: nothing may be borrowed twice.
#[derive(Default)]
struct Borrowed {
    context: bool,
    transaction: bool,
    types: Vec<String>,
}

impl Borrowed {
    fn judge(&mut self, reference: &TypeReference, errors: &mut Errors) -> Judged {
        let ty = bare(&reference.elem);
        if let Some(owned) = Owned::of(ty) {
            let (borrowed, owned_shown) = (shown(reference), owned.shown);
            let message = format!(
                "job arguments are stored, so `{borrowed}` must be `{owned_shown}`\
                 \n\nnote: by reference, a job takes its worker's state"
            );
            errors.on(reference, message);
            return Judged::Owned(owned.ty);
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
            return Judged::Unborrowable;
        }
        if reference.mutability.is_some() {
            let message = "a job shares its worker's state with others, so it cannot be `&mut`\
                           \n\nhelp: use `&T` with a lock in it, or take the argument by value";
            errors.on(reference, message);
            return Judged::Unborrowable;
        }
        if let Some(lifetime) = reference.lifetime.as_ref().filter(|name| name.ident == "static") {
            let message = "the worker's state is lent for one run; write `&` without `'static`";
            errors.on(lifetime, message);
            return Judged::Unborrowable;
        }
        let written = shown(ty);
        if self.types.contains(&written) {
            let message = format!(
                "two `&{written}` arguments would be the same value\
                 \n\nhelp: wrap one of the two in a type of its own"
            );
            errors.on(reference, message);
            return Judged::Unborrowable;
        }
        self.types.push(written);
        Judged::State(ty.clone())
    }

    fn context(&mut self, reference: &TypeReference, errors: &mut Errors) -> Judged {
        if reference.mutability.is_some() {
            errors.on(reference, "take the context as `&JobContext`");
            return Judged::Unborrowable;
        }
        if self.context {
            errors.on(reference, "this job already takes a `&JobContext`");
            return Judged::Unborrowable;
        }
        self.context = true;
        Judged::Context
    }

    fn transaction(&mut self, reference: &TypeReference, errors: &mut Errors) -> Judged {
        if reference.mutability.is_none() {
            errors.on(reference, TAKE_THE_TRANSACTION);
            return Judged::Unborrowable;
        }
        if self.transaction {
            errors.on(reference, "this job already takes a `&mut JobTx`: it is finished in one");
            return Judged::Unborrowable;
        }
        self.transaction = true;
        Judged::Transaction
    }
}

const TAKE_THE_TRANSACTION: &str = "take the transaction as `&mut JobTx`";

fn stored(ty: &Type, errors: &mut Errors) -> Judged {
    if is_transaction(ty) {
        errors.on(ty, TAKE_THE_TRANSACTION);
        return Judged::Unborrowable;
    }
    if is_context(ty) {
        errors.on(ty, "take the context as `&JobContext`");
        return Judged::Unborrowable;
    }
    if mentions(ty, "impl") {
        let message = "a job cannot be generic: its arguments must have one known type \
                       to be read back from the database";
        errors.on(ty, message);
        return Judged::Unstorable;
    }
    if matches!(ty, Type::TraitObject(_)) {
        let written = shown(ty);
        let message = format!(
            "`{written}` cannot be stored\n\nhelp: as the worker's state it is `&{written}`"
        );
        errors.on(ty, message);
        return Judged::Unstorable;
    }
    if let Some(borrow) = first_borrow(ty.to_token_stream()) {
        let message = "job arguments are stored, so nothing in them can be borrowed";
        errors.on(borrow, message);
        return Judged::Unstorable;
    }
    Judged::Stored(ty.clone())
}

/// The name of the stored field.
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

fn refuse_cfg(param: &PatType, errors: &mut Errors) {
    let conditional =
        |attr: &&Attribute| attr.path().is_ident("cfg") || attr.path().is_ident("cfg_attr");
    if let Some(attr) = param.attrs.iter().find(conditional) {
        let message = "a job has the same arguments in every build: \
                       it may be read by another one than wrote it";
        errors.on(attr, message);
    }
}
