//! The whole pipeline, without a compiler: what is written for a job, and what is said to a mistake.
//! What the compiler makes of it is tested in the workspace's `tests/ui`.

mod expansions;
mod hygiene;
mod messages;

use proc_macro2::TokenStream;

use crate::pipeline;

/// The expansion as a file, laid out for reading.
fn expanded(arguments: TokenStream, item: TokenStream) -> syn::File {
    file(pipeline::job(arguments, item))
}

fn file(expansion: TokenStream) -> syn::File {
    syn::parse2(expansion).expect("what is generated are items")
}

/// What is said to a job.
fn messages(arguments: TokenStream, item: TokenStream) -> Vec<String> {
    said(pipeline::job(arguments, item))
}

/// The texts of all `compile_error!`s.
fn said(expansion: TokenStream) -> Vec<String> {
    let file = file(expansion);
    let errors = file.items.iter().filter_map(|item| match item {
        syn::Item::Macro(item) => item.mac.parse_body::<syn::LitStr>().ok(),
        _ => None,
    });
    errors.map(|text| text.value()).collect()
}
