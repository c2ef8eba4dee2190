//! From the user's tokens to the compiler's.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::DeriveInput;

use crate::conditional::{self, Written};
use crate::errors::Errors;
use crate::parse::form::Form;
use crate::parse::item::Item;
use crate::validate::{Derived, Validated};
use crate::{expand, parse, validate};

/// `#[job]` on a function.
pub(crate) fn job(arguments: TokenStream, item: TokenStream) -> TokenStream {
    function(arguments, item, Form::Function)
}

/// `#[handler]`.
pub(crate) fn handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    function(arguments, item, Form::Handler)
}

/// `#[derive(Job)]`.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let generated = match syn::parse2::<DeriveInput>(item) {
        Err(error) => {
            errors.push(error);
            TokenStream::new()
        }
        Ok(item) => match validate::derived(item, &mut errors) {
            Derived::Job(declaration) => expand::derived(&declaration),
            Derived::Stub(item_head, args) => expand::fallback::derived(&item_head, &args),
            Derived::Nothing => TokenStream::new(),
        },
    };
    let errors = errors.into_compile_errors();
    quote!(#errors #generated)
}

/// `#[job_defaults]`.
pub(crate) fn job_defaults(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    if arguments.is_empty() {
        let message = "expected defaults of the jobs, like `#[job_defaults(queue = \"emails\")]`";
        errors.at(Span::call_site(), message);
    }
    let args = parse::attribute::parse([arguments], Form::Module, &mut errors);
    let defaults = validate::defaults(args, &mut errors);
    let item = match parse::module::parse(item.clone(), &mut errors) {
        Some(module) => expand::module::module(&module, &defaults),
        None => item,
    };
    let errors = errors.into_compile_errors();
    quote!(#item #errors)
}

fn function(arguments: TokenStream, item: TokenStream, form: Form) -> TokenStream {
    let mut errors = Errors::default();

    let args = parse::attribute::parse([arguments.clone()], form, &mut errors);
    let Item { as_written, function } = parse::item::parse(item.clone(), form, &mut errors);
    if let Some(function) = &function {
        let krate = validate::library(&args.library, &mut Errors::already_reported());
        let written = Written { form, krate, arguments, item };
        if let Some(builds) = conditional::builds(function, &written, &mut errors) {
            // Other mistakes are reported for the build that is compiled.
            errors.forget();
            return builds;
        }
    }
    // A job is asynchronous for the worker's sake, even if it awaits nothing.
    let lints = function.is_some().then(|| quote!(#[allow(clippy::unused_async)]));
    let validated = function.map(|function| match form {
        Form::Handler => validate::handler(args, function, &mut errors),
        Form::Function | Form::Struct | Form::Module => validate::job(args, function, &mut errors),
    });
    let generated = match validated {
        Some(Validated::Job(model)) => expand::job(&model),
        Some(Validated::Handler(model)) => expand::handler(&model),
        Some(Validated::JobStub(stub)) => expand::fallback::job(&stub),
        Some(Validated::HandlerStub(stub)) => expand::fallback::handler(&stub),
        Some(Validated::Nothing) | None => TokenStream::new(),
    };

    let errors = errors.into_compile_errors();
    quote!(#lints #as_written #errors #generated)
}
