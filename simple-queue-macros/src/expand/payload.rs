//! The payload struct, and what it declares about the job.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::{debug, options, summary, unique};
use crate::krate::placed;
use crate::model::{Face, JobModel, Output, Queue};

pub(crate) fn structure(model: &JobModel) -> TokenStream {
    let Face { function, payload, vis, docs, deprecated, .. } = &model.face;
    let summary = summary::summary(model);
    let gap = (!docs.is_empty()).then(|| quote!(#[doc = ""]));
    let fields = model.stored().map(|arg| {
        let (name, ty, docs) = (&arg.name, &arg.ty, &arg.docs);
        let default = format!(" The argument `{name}` of [`{function}`](fn@{function}).");
        let docs = match docs.is_empty() {
            true => quote!(#[doc = #default]),
            false => quote!(#(#docs)*),
        };
        quote!(#docs #vis #name: #ty)
    });
    let derives = debug::derives(model);
    let body = match model.stored().next() {
        None => quote!(;),
        Some(_) => quote!({ #(#fields),* }),
    };
    quote! {
        #(#docs)*
        #gap
        #[doc = #summary]
        #deprecated
        #derives
        #[allow(
            missing_debug_implementations,
            private_interfaces,
            unreachable_pub,
            clippy::exhaustive_structs,
            clippy::pub_underscore_fields
        )]
        #vis struct #payload #body
    }
}

/// `impl JobPayload`.
pub(crate) fn declaration(model: &JobModel) -> TokenStream {
    let Face { krate, function, payload, .. } = &model.face;
    let kind = &model.kind;
    let hash = fnv1a(kind);
    let queue = match &model.queue {
        Queue::Name(name) => quote!(#name),
        Queue::Const(path) => quote!(#path),
    };
    let queue_check = queue_check(model);
    let options = options::options(model);
    let declared_at =
        quote_spanned!(function.span()=> ::core::concat!(::core::file!(), ":", ::core::line!()));
    let aliases = (!model.aliases.is_empty()).then(|| {
        let aliases = &model.aliases;
        quote! {
            const ALIASES: &'static [&'static ::core::primitive::str] = &[#(#aliases),*];
        }
    });
    let output = match &model.returned.output {
        Output::Nothing => quote!(()),
        Output::Value(ty) => quote!(#ty),
        Output::Of(ty) => {
            let krate = placed(krate, ty.span());
            quote_spanned!(ty.span()=> <#ty as #krate::IntoOutcome>::Output)
        }
    };
    let unique_key = unique::unique_key(model);
    let fingerprint = unique::fingerprint(model);
    quote! {
        #[automatically_derived]
        #[allow(deprecated, clippy::used_underscore_binding)]
        impl #krate::JobPayload for #payload {
            type Output = #output;
            const KIND: &'static ::core::primitive::str = #kind;
            const KIND_HASH: ::core::primitive::u64 = #hash;
            const QUEUE: &'static ::core::primitive::str = #queue;
            const OPTIONS: #krate::JobOptions = #options;
            const DECLARED_AT: &'static ::core::primitive::str = #declared_at;
            #aliases
            #unique_key
            #fingerprint
        }
        #queue_check
    }
}

/// A constant's value is only known to the compiler.
fn queue_check(model: &JobModel) -> Option<TokenStream> {
    let Face { krate, payload, .. } = &model.face;
    let Queue::Const(path) = &model.queue else {
        return None;
    };
    let placed = placed(krate, path.span());
    let assert = quote_spanned!(path.span()=> #placed::private::assert_queue_name);
    Some(quote! {
        #[allow(deprecated)]
        const _: () = #assert(<#payload as #krate::JobPayload>::QUEUE);
    })
}

/// The 64-bit FNV-1a hash, by which the compiler tells the names of jobs apart.
pub(super) fn fnv1a(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn hashes_as_fnv1a_does() {
        assert_eq!(super::fnv1a(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(super::fnv1a("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(super::fnv1a("foobar"), 0x8594_4171_f739_67e8);
    }
}
