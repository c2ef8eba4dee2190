//! The payload struct, and what it declares about the job.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::unique;
use crate::krate::placed;
use crate::model::{Attempts, Backoff, Face, JobModel, Options, Piece, Queue, Unique};

pub(crate) fn structure(model: &JobModel) -> TokenStream {
    let Face { function, payload, vis, docs, deprecated, .. } = &model.face;
    let summary = summary(model);
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
    let body = match model.stored().next() {
        None => quote!(;),
        Some(_) => quote!({ #(#fields),* }),
    };
    quote! {
        #(#docs)*
        #gap
        #[doc = #summary]
        #deprecated
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
    let options = options(model);
    let declared_at =
        quote_spanned!(function.span()=> ::core::concat!(::core::file!(), ":", ::core::line!()));
    let unique_key = unique::unique_key(model);
    quote! {
        #[automatically_derived]
        #[allow(deprecated, clippy::used_underscore_binding)]
        impl #krate::JobPayload for #payload {
            const KIND: &'static ::core::primitive::str = #kind;
            const KIND_HASH: ::core::primitive::u64 = #hash;
            const QUEUE: &'static ::core::primitive::str = #queue;
            const OPTIONS: #krate::JobOptions = #options;
            const DECLARED_AT: &'static ::core::primitive::str = #declared_at;
            #unique_key
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

fn options(model: &JobModel) -> TokenStream {
    let krate = &model.face.krate;
    let Options { attempts, backoff, timeout, priority } = &model.options;
    let attempts = attempts.map(|Attempts(count)| {
        let count = Literal::u32_unsuffixed(count);
        quote!(.max_attempts(#count))
    });
    let backoff = backoff.map(|backoff| {
        let constant = match backoff {
            Backoff::Exponential => quote!(EXPONENTIAL),
            Backoff::Linear => quote!(LINEAR),
            Backoff::Fixed => quote!(FIXED),
            Backoff::None => quote!(NONE),
        };
        quote!(.backoff(#krate::Backoff::#constant))
    });
    let timeout = timeout.map(|timeout| {
        let millis = u64::try_from(timeout.as_millis()).expect("durations are read as u64 millis");
        let millis = Literal::u64_unsuffixed(millis);
        quote!(.timeout(::core::time::Duration::from_millis(#millis)))
    });
    let priority = priority.map(|priority| {
        let priority = Literal::i16_unsuffixed(priority);
        quote!(.priority(#priority))
    });
    quote!(#krate::JobOptions::new() #attempts #backoff #timeout #priority)
}

/// The sentence that tells, in the struct's documentation, how the job runs.
fn summary(model: &JobModel) -> String {
    let Face { function, .. } = &model.face;
    let mut parts = Vec::new();
    parts.push(match &model.queue {
        Queue::Name(name) => format!("queue `{name}`"),
        Queue::Const(path) => format!("queue `{}`", quote!(#path).to_string().replace(' ', "")),
    });
    let Options { attempts, backoff, timeout, priority } = &model.options;
    let backoff = backoff.map(|backoff| match backoff {
        Backoff::Exponential => "exponential backoff",
        Backoff::Linear => "linear backoff",
        Backoff::Fixed => "fixed backoff",
        Backoff::None => "no backoff",
    });
    match (attempts, backoff) {
        (None, None) => {}
        (None, Some(backoff)) => parts.push(backoff.to_owned()),
        (Some(Attempts(1)), _) => parts.push("never retried".to_owned()),
        (Some(Attempts(count)), backoff) => {
            let retries = count - 1;
            let plural = if retries == 1 { "retry" } else { "retries" };
            let backoff = backoff.map(|backoff| format!(" ({backoff})")).unwrap_or_default();
            parts.push(format!("{retries} {plural}{backoff}"));
        }
    }
    match &model.unique {
        Unique::No => {}
        Unique::AllArguments => parts.push("unique by all arguments".to_owned()),
        Unique::Key(pieces) => parts.push(format!("unique `{}`", template(pieces))),
    }
    parts.extend(timeout.map(|timeout| format!("timeout {timeout:?}")));
    parts.extend(priority.map(|priority| format!("priority {priority}")));
    let parts = parts.join(", ");
    format!(" Stored arguments of the job [`{function}`](fn@{function}): {parts}.")
}

/// The template, as it was written.
fn template(pieces: &[Piece]) -> String {
    let shown = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.replace('{', "{{").replace('}', "}}"),
        Piece::Field { path, .. } => {
            let path = path.iter().map(|member| quote!(#member).to_string()).collect::<Vec<_>>();
            format!("{{{}}}", path.join(".").replace("r#", ""))
        }
    });
    shown.collect()
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
