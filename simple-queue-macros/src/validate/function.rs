//! A function with `#[job]` or `#[handler]`.

use heck::ToUpperCamelCase;
use proc_macro2::Ident;
use quote::format_ident;
use syn::Signature;

use super::declaration::{Subject, declaration};
use super::params::{self, ByValue, Params};
use super::signature::{self, SignatureCheck};
use super::{Validated, item_head, library, values};
use crate::errors::Errors;
use crate::model::{
    Handler, HandlerModel, HandlerStub, ItemHead, JobModel, JobStub, Param, Structure,
};
use crate::parse::args::{Args, HandlerArgs, OutputArgs, StructureArgs};
use crate::parse::form::Form;
use crate::parse::item::{Function, plain};
use crate::parse::list::{Arg, Table};

/// `#[job]`: the declaration and the run; only the run if the function takes a payload that is
/// declared elsewhere.
pub(crate) fn job(args: Args, function: Function, errors: &mut Errors) -> Validated {
    // Destructured in full, as the tables in it are. `parse` refuses arguments that do not belong
    // here.
    let Args {
        declaration: declared,
        schedule,
        handler,
        structure,
        output: OutputArgs { output: _ },
        library,
    } = args;
    let StructureArgs { payload, derive } = structure;
    let Function { attrs, vis, signature } = function;

    let krate = self::library(&library, errors);
    let payload = match payload.map(|arg| item_head::payload(&arg, &signature.ident, errors)) {
        Some(Some(named)) => Some(named),
        None => signature::payload_name(&signature, errors),
        // Already reported; fall back to the default name so that the job can still be used.
        Some(None) => signature::payload_name(&signature, &mut Errors::already_reported()),
    };
    let signature_check = signature::check(&attrs, &signature, Form::Function, errors);
    let takes_payload =
        payload.as_ref().is_some_and(|name| params::takes_payload(&signature, name));
    let by_value = if takes_payload { ByValue::Payload } else { ByValue::Arguments };
    let mut params = params::classify(&signature, by_value, errors);

    let is_named = payload.is_some();
    let name = payload.unwrap_or_else(|| signature.ident.clone());
    let item_head = ItemHead { krate, name, vis };
    let handed = std::mem::take(&mut params.handed);
    let handler = handler_of(&item_head, handler, &signature, handed, errors);
    if takes_payload {
        let second = [declared.given(), schedule.given()].concat();
        refuse_declaration(second, derive.as_ref(), &item_head.name, errors);
        return declared_elsewhere(None, handler, params, signature_check);
    }

    let derives = derive.map(|arg| item_head::derives(&arg, errors)).unwrap_or_default();
    let (docs, deprecated) = signature::copied(attrs);
    let place = signature.ident.span();
    let subject = Subject {
        item_head: item_head.clone(),
        place,
        called: &plain(&signature.ident),
        kind: plain(&signature.ident),
        known: &params.known,
        stored: params.stored,
        output: handler.returned.output.clone(),
    };
    let declaration = declaration(declared, schedule, subject, errors);
    let structure = Structure { item_head, function: signature.ident, docs, deprecated, derives };
    match signature_check {
        _ if !is_named => Validated::Nothing,
        SignatureCheck::Associated => Validated::Nothing,
        SignatureCheck::Valid if params.valid => {
            Validated::Job(Box::new(JobModel { structure, declaration, handler }))
        }
        SignatureCheck::Valid | SignatureCheck::Refused => {
            Validated::JobStub(Box::new(JobStub { structure, args: params.guessed }))
        }
    }
}

/// `#[handler]`: the run of a job that is declared elsewhere.
pub(crate) fn handler(args: Args, function: Function, errors: &mut Errors) -> Validated {
    // Destructured in full, as the tables in it are. `parse` refuses arguments that do not belong
    // here.
    let Args { declaration: _, schedule: _, handler, structure: _, output: _, library } = args;
    let Function { attrs, vis, signature } = function;

    let krate = self::library(&library, errors);
    let signature_check = signature::check(&attrs, &signature, Form::Handler, errors);
    let mut params = params::classify(&signature, ByValue::Payload, errors);
    let name = plain(&signature.ident).to_upper_camel_case();
    let name = format_ident!("{name}Handler", span = signature.ident.span());
    let item_head = ItemHead { krate, name, vis };
    let handed = std::mem::take(&mut params.handed);
    let handler = handler_of(&item_head, handler, &signature, handed, errors);
    let (docs, deprecated) = signature::copied(attrs);
    let function = signature.ident;
    let structure = Structure { item_head, function, docs, deprecated, derives: Vec::new() };
    declared_elsewhere(Some(structure), handler, params, signature_check)
}

fn declared_elsewhere(
    structure: Option<Structure>,
    handler: Handler,
    params: Params,
    signature_check: SignatureCheck,
) -> Validated {
    match (signature_check, params.payload) {
        (SignatureCheck::Associated, _) => Validated::Nothing,
        (SignatureCheck::Valid, Some(payload)) if params.valid => {
            Validated::Handler(Box::new(HandlerModel { structure, payload, handler }))
        }
        (SignatureCheck::Valid | SignatureCheck::Refused, payload) => {
            let item_head = handler.item_head;
            Validated::HandlerStub(Box::new(HandlerStub { structure, payload, item_head }))
        }
    }
}

/// Refuses a second declaration of one job, which could contradict the first.
fn refuse_declaration(
    declared: Vec<&Arg>,
    derive: Option<&Arg>,
    payload: &Ident,
    errors: &mut Errors,
) {
    let payload = plain(payload);
    for Arg { key, .. } in declared.into_iter().filter(|arg| !arg.inherited) {
        let message =
            format!("`{payload}` is declared by its own `#[job(..)]`; write `{key}` there");
        errors.at(key.span(), message);
    }
    if let Some(Arg { key, .. }) = derive {
        let message = format!("`{payload}` is written already; write `{key}` on it");
        errors.at(key.span(), message);
    }
}

fn handler_of(
    item_head: &ItemHead,
    args: HandlerArgs,
    signature: &Signature,
    params: Vec<Param>,
    errors: &mut Errors,
) -> Handler {
    // Destructured in full: an argument that is added to the table has to be used here.
    let HandlerArgs { strategy, on_exhausted } = args;
    Handler {
        item_head: item_head.clone(),
        function: signature.ident.clone(),
        params,
        returned: signature::returned(&signature.output, signature.ident.span()),
        strategy: strategy.and_then(|arg| values::item(&arg, "a static", errors)),
        on_exhausted: on_exhausted.and_then(|arg| values::item(&arg, "a function", errors)),
    }
}
