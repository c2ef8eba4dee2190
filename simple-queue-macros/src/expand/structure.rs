//! The structs that the macro writes for a function: the payload of a job, or the handler of a
//! payload that is declared elsewhere.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;

use super::{debug, summary};
use crate::carrier;
use crate::model::{ItemHead, JobModel, Structure};
use crate::validate::shown;

pub(crate) fn payload(model: &JobModel, items: &TokenStream) -> TokenStream {
    let JobModel { structure, declaration, .. } = model;
    let Structure { item_head, function, .. } = structure;
    let ItemHead { krate, name, vis } = item_head;
    let head = head(structure, &summary::summary(model));
    let fields = declaration.stored.iter().map(|arg| {
        let name = &arg.name;
        let ty = &arg.ty;
        let docs = &arg.docs;
        let default = format!(" The argument `{name}` of [`{function}`](fn@{function}).");
        let docs = if docs.is_empty() { quote!(#[doc = #default]) } else { quote!(#(#docs)*) };
        quote!(#docs #vis #name: #ty)
    });
    let carrier = carrier::attributes(krate, items);
    let derives = debug::derives(structure, &declaration.stored);
    let body = if declaration.stored.is_empty() { quote!(;) } else { quote!({ #(#fields),* }) };
    quote! {
        #head
        #carrier
        #derives
        #[allow(
            missing_copy_implementations,
            missing_debug_implementations,
            private_interfaces,
            unreachable_pub,
            clippy::exhaustive_structs,
            clippy::pub_underscore_fields
        )]
        #vis struct #name #body
    }
}

/// Returns the struct of a handler, and the payload that it runs.
pub(crate) fn handler(structure: &Structure, payload: &Type, items: &TokenStream) -> TokenStream {
    let Structure { item_head: ItemHead { krate, name, vis }, function, .. } = structure;
    let told = format!(" Runs the job `{}` with [`{function}`](fn@{function}).", shown(payload));
    let head = head(structure, &told);
    let typed_handler = quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl #krate::typed::JobHandler for #name {
            type Payload = #payload;
        }
    };
    let carrier = carrier::attributes(krate, &quote!(#typed_handler #items));
    quote! {
        #head
        #carrier
        #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::marker::Copy)]
        #[allow(dead_code, unreachable_pub, clippy::exhaustive_structs)]
        #vis struct #name;
    }
}

/// Returns the documentation of the function with one more sentence, and its deprecation.
fn head(Structure { docs, deprecated, .. }: &Structure, told: &str) -> TokenStream {
    let gap = (!docs.is_empty()).then(|| quote!(#[doc = ""]));
    quote! {
        #(#docs)*
        #gap
        #[doc = #told]
        #deprecated
    }
}
