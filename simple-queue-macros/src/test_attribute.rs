//! `#[simple_queue::test]`: an `async fn` becomes a test with a database of its own.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{FnArg, ItemFn, Type};

use crate::{errors::Errors, krate};

pub(crate) fn test(arguments: &TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    if !arguments.is_empty() {
        let message = "`#[simple_queue::test]` takes no arguments\
                       \n\nhelp: register the jobs in the test: `queue.register(jobs![…], state)`";
        errors.push(syn::Error::new_spanned(arguments, message));
    }
    let generated = match syn::parse2::<ItemFn>(item) {
        Ok(function) => expanded(&function, &mut errors),
        Err(error) => {
            errors.push(error);
            TokenStream::new()
        }
    };
    let errors = errors.into_compile_errors();
    quote!(#errors #generated)
}

fn expanded(function: &ItemFn, errors: &mut Errors) -> TokenStream {
    let ItemFn { attrs, vis, sig, block, .. } = function;
    if sig.asyncness.is_none() {
        let message = "a test of `#[simple_queue::test]` is an `async fn`\
                       \n\nhelp: write `async fn`, or use `#[test]`";
        errors.on(sig.fn_token, message);
    }
    let mut types: Vec<&Type> = Vec::new();
    for argument in &sig.inputs {
        match argument {
            FnArg::Typed(argument) => types.push(&argument.ty),
            FnArg::Receiver(receiver) => {
                errors.on(receiver, "a test takes no `self`");
            }
        }
    }
    if errors.count() > 0 {
        return TokenStream::new();
    }
    let (name, inputs, output, krate) = (&sig.ident, &sig.inputs, &sig.output, krate::found());
    quote! {
        #[::core::prelude::v1::test]
        #(#attrs)*
        #vis fn #name() #output {
            async fn #name(#inputs) #output #block
            #krate::testing::run_test(|pool| async move {
                #name(
                    #(<#types as #krate::testing::TestArgument>::of_test(&pool).await),*
                )
                .await
            })
        }
    }
}
