//! The declaration of a job on its payload: `impl JobPayload`.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;

use super::{keys, options, schedule};
use crate::krate::placed;
use crate::model::{Declaration, ItemHead, Output, Queue, Version};
use crate::parse::item::plain;
use crate::validate::shown;

pub(crate) fn declaration(declaration: &Declaration) -> TokenStream {
    let ItemHead { krate, name, .. } = &declaration.item_head;
    let kind = &declaration.kind;
    let queue = match (&declaration.queue, &declaration.template) {
        (Some(Queue::Name(name)), _) => quote!(#name),
        (Some(Queue::Const(path)), _) => quote!(#path),
        (None, Some(_)) => quote!(#krate::JobTemplate::queue_or(&Self::__TEMPLATE, "default")),
        (None, None) => quote!("default"),
    };
    let queue_check = queue_check(declaration);
    let options = options::options(declaration);
    let declared_at = quote_spanned! {declaration.place=>
        ::core::concat!(::core::file!(), ":", ::core::line!())
    };
    let aliases = (!declaration.aliases.is_empty()).then(|| {
        let aliases = &declaration.aliases;
        quote! {
            const ALIASES: &'static [&'static ::core::primitive::str] = &[#(#aliases),*];
        }
    });
    let arguments = arguments(declaration);
    let output = kept(&declaration.output, krate);
    let unique_key = keys::unique_key(declaration);
    let fingerprint = keys::fingerprint(declaration);
    let limit_key = keys::limit_key(declaration);
    let cost = keys::cost(declaration);
    let version = version(&declaration.version, krate);
    let schedule = schedule::schedule(declaration);
    quote! {
        #[automatically_derived]
        #[allow(deprecated, clippy::used_underscore_binding)]
        impl #krate::typed::JobPayload for #name {
            #output
            const KIND: &'static ::core::primitive::str = #kind;
            const QUEUE: &'static ::core::primitive::str = #queue;
            const OPTIONS: #krate::JobOptions = #options;
            const DECLARED_AT: &'static ::core::primitive::str = #declared_at;
            #aliases
            #arguments
            #unique_key
            #fingerprint
            #limit_key
            #cost
            #version
            #schedule
        }
        #queue_check
    }
}

/// Returns the template as a constant, whose type is checked once, where its path is written.
pub(crate) fn template(declaration: &Declaration) -> Option<TokenStream> {
    let krate = &declaration.item_head.krate;
    declaration.template.as_ref().map(|path| {
        quote! {
            #[doc(hidden)]
            const __TEMPLATE: #krate::JobTemplate = #path;
        }
    })
}

/// Returns the type of the result. It has the span of the function's return type, where the
/// compiler reports that it is less visible than the job.
fn kept(output: &Output, krate: &TokenStream) -> TokenStream {
    match output {
        Output::Nothing => quote!(
            type Output = ();
        ),
        Output::Value(ty) => quote_spanned!(ty.span()=> type Output = #ty;),
        Output::Of(ty) => {
            let krate = placed(krate, ty.span());
            quote_spanned!(ty.span()=> type Output = <#ty as #krate::typed::IntoOutcome>::Output;)
        }
    }
}

/// Returns the stored arguments, for comparison with those of an earlier build.
fn arguments(declaration: &Declaration) -> Option<TokenStream> {
    let krate = &declaration.item_head.krate;
    let arguments = declaration.stored.iter().map(|arg| {
        let name = match &arg.options.rename {
            Some(rename) => rename.value(),
            None => plain(&arg.name),
        };
        let ty = shown(&arg.ty);
        let aliases = &arg.options.aliases;
        let default = arg.options.default.as_ref().map(|_| quote!(.with_default()));
        let aliases = (!aliases.is_empty()).then(|| quote!(.with_aliases(&[#(#aliases),*])));
        let redacted = arg.options.redact.as_ref().map(|_| quote!(.redacted()));
        quote! {
            #krate::typed::StoredArgument::new(#name, #ty) #default #aliases #redacted
        }
    });
    (!declaration.stored.is_empty()).then(|| {
        quote! {
            const ARGUMENTS: &'static [#krate::typed::StoredArgument] = &[#(#arguments),*];
        }
    })
}

fn version(Version { number, upgrade }: &Version, krate: &TokenStream) -> Option<TokenStream> {
    let upgrade = upgrade.as_ref().map(|path| {
        let value = quote!(#krate::private::Value);
        let at_path = placed(krate, path.span());
        let upgrade = quote_spanned!(path.span()=> #at_path::private::upgrade);
        let [version, stored] =
            ["version", "stored"].map(|name| Ident::new(name, Span::mixed_site()));
        quote! {
            fn upgrade(
                #version: ::core::primitive::i32,
                #stored: #value,
            ) -> ::core::result::Result<#value, #krate::BoxDynError> {
                #upgrade(#path, #version, #stored)
            }
        }
    });
    (*number > 1).then(|| {
        let number = Literal::i32_unsuffixed(*number);
        quote! {
            const VERSION: ::core::primitive::i32 = #number;
            #upgrade
        }
    })
}

/// Only the compiler knows the value of a constant.
fn queue_check(declaration: &Declaration) -> Option<TokenStream> {
    let ItemHead { krate, name, .. } = &declaration.item_head;
    let path: &Path = match (&declaration.queue, &declaration.template) {
        (Some(Queue::Const(path)), _) | (None, Some(path)) => path,
        (Some(Queue::Name(_)), _) | (None, None) => return None,
    };
    let placed = placed(krate, path.span());
    let assert = quote_spanned!(path.span()=> #placed::private::assert_queue_name);
    let queue = quote_spanned!(path.span()=> (<#name as #krate::typed::JobPayload>::QUEUE));
    Some(quote! {
        #[allow(deprecated)]
        const _: () = #assert #queue;
    })
}
