//! Model to code. Each file writes one part. All paths start at the root, so no name of the user's
//! can shadow them.
//!
//! Lints: generated code has the attribute's span and is exempt from lints, except for items that
//! have the user's own name or visibility. There an `#[allow]` keeps a lint from repeating for the
//! struct what it says about the function.

mod codec;
mod debug;
mod enqueue;
pub(crate) mod fallback;
mod handler;
mod keys;
pub(crate) mod module;
mod options;
mod parts;
mod payload;
mod schedule;
mod stored_field;
mod structure;
mod summary;

use proc_macro2::TokenStream;
use quote::quote;

use self::handler::Subject;
use crate::model::{Declaration, HandlerModel, JobModel};

/// Returns everything that is written for a function with `#[job]`.
pub(crate) fn job(model: &JobModel) -> TokenStream {
    let JobModel { structure, declaration, handler } = model;
    let debug = debug::debug(structure, &declaration.stored);
    let new = enqueue::new(structure, &declaration.stored);
    let handler_fn = handler::handler_fn(handler, &Subject::Payload);
    let declared = declared(declaration, Some(&quote!(#new #handler_fn)));
    let typed_handler = handler::impl_typed_handler(handler, &Subject::Payload);
    structure::payload(model, &quote!(#debug #declared #typed_handler))
}

/// Returns everything that is written for a struct that derives `Job`.
pub(crate) fn derived(declaration: &Declaration) -> TokenStream {
    let debug = debug::of_derived(&declaration.item_head, &declaration.stored);
    let new = enqueue::new_of_derived(&declaration.item_head, &declaration.stored);
    let declared = declared(declaration, Some(&new));
    quote!(#debug #declared)
}

/// Returns everything that is written for a function that runs a job declared elsewhere.
pub(crate) fn handler(HandlerModel { structure, payload, handler }: &HandlerModel) -> TokenStream {
    let subject = match structure {
        Some(_) => Subject::Handler(payload),
        None => Subject::Declared(payload),
    };
    let name = subject.name(&handler.item_head.name);
    let output_check = handler::output_check(handler, payload);
    let typed_handler = handler::impl_typed_handler(handler, &subject);
    let handler_fn = handler::handler_fn(handler, &subject);
    let items = quote! {
        #output_check
        #typed_handler
        #[allow(dead_code, deprecated, private_bounds, private_interfaces, unreachable_pub)]
        impl #name {
            #handler_fn
        }
    };
    match structure {
        Some(structure) => structure::handler(structure, payload, &items),
        None => items,
    }
}

fn declared(declaration: &Declaration, first: Option<&TokenStream>) -> TokenStream {
    let codec = codec::codec(declaration);
    let payload = payload::declaration(declaration);
    let helpers = enqueue::helpers(declaration, first);
    quote! {
        #codec
        #payload
        #helpers
    }
}
