//! The whole pipeline, without a compiler: the expansion of a job, and the messages for a mistake.
//! `tests/crates/ui` tests what the compiler makes of it.

mod arguments;
mod expansions;
mod hygiene;
mod keys;
mod limits;
mod messages;
mod queue_names;

use proc_macro2::TokenStream;

use quote::{ToTokens, quote};

use crate::{carrier, pipeline};

/// Formats the expansion as a file, for reading.
fn expanded(arguments: TokenStream, item: TokenStream) -> syn::File {
    file(pipeline::job(arguments, item))
}

fn file(expansion: TokenStream) -> syn::File {
    let mut file: syn::File = syn::parse2(expansion).expect("what is generated are items");
    file.items = file.items.into_iter().flat_map(unfolded).collect();
    file
}

/// Returns a struct without the items that it carries, and then these.
fn unfolded(mut item: syn::Item) -> Vec<syn::Item> {
    let syn::Item::Struct(structure) = &mut item else { return vec![item] };
    let carrier: TokenStream = carrier::derive(quote!(#structure));
    structure.attrs.retain(|attr| {
        let text = attr.meta.to_token_stream().to_string();
        !text.starts_with("carried") && !text.ends_with("private :: CarrierDerive)")
    });
    let carrier: syn::File = syn::parse2(carrier).expect("what is brought along are items");
    std::iter::once(item).chain(carrier.items).collect()
}

/// Returns the messages for a job.
fn messages(arguments: TokenStream, item: TokenStream) -> Vec<String> {
    said(pipeline::job(arguments, item))
}

/// Returns the texts of all `compile_error!`s.
fn said(expansion: TokenStream) -> Vec<String> {
    let file = file(expansion);
    let errors = file.items.iter().filter_map(|item| match item {
        syn::Item::Macro(item) => item.mac.parse_body::<syn::LitStr>().ok(),
        _ => None,
    });
    errors.map(|text| text.value()).collect()
}
