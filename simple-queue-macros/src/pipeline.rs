//! One `#[job]`, from the tokens that the user wrote to the tokens that the compiler gets.

use proc_macro2::TokenStream;
use quote::quote;

use crate::errors::Errors;
use crate::validate::Validated;
use crate::{expand, parse, validate};

pub(crate) fn job(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();

    let arguments = parse::args::parse(arguments, &mut errors);
    let item = parse::item::parse(item, &mut errors);
    // A job is asynchronous for the worker's sake, also when it waits for nothing.
    let lints = item.function.is_some().then(|| quote!(#[allow(clippy::unused_async)]));
    let generated = match item.function {
        None => TokenStream::new(),
        Some(function) => match validate::job(arguments, function, &mut errors) {
            Validated::Job(model) => expand::job(&model),
            Validated::Stub(stub) => expand::fallback::stub(&stub),
            Validated::Nothing => TokenStream::new(),
        },
    };

    let as_written = item.as_written;
    let errors = errors.into_compile_errors();
    quote!(#lints #as_written #errors #generated)
}
