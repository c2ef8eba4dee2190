//! The whole pipeline, without a compiler: what is written for a job, and what is said to a mistake.
//! What the compiler makes of it is tested in the workspace's `tests/ui`.

mod expansions;
mod hygiene;
mod messages;

use proc_macro2::TokenStream;

use crate::errors::Errors;
use crate::{parse, pipeline, validate};

/// The expansion as a file, laid out for reading.
fn expanded(arguments: TokenStream, item: TokenStream) -> syn::File {
    syn::parse2(pipeline::job(arguments, item)).expect("what is generated are items")
}

/// What is said to a job.
fn messages(arguments: TokenStream, item: TokenStream) -> Vec<String> {
    let mut errors = Errors::default();
    let arguments = parse::args::parse(arguments, &mut errors);
    if let Some(function) = parse::item::parse(item, &mut errors).function {
        validate::job(arguments, function, &mut errors);
    }
    errors.into_messages()
}
