//! What stands beside a function that was refused: the struct and its impls, looking right and doing
//! nothing. The refusal is the only message; the places that use the job stay as they are.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::enqueue;
use super::parts::parameter;
use super::payload::fnv1a;
use super::structure;
use crate::beside;
use crate::model::{Face, HandlerStub, JobStub, Structure, StubArg};
use crate::parse::item::plain;

/// For a function with `#[job]`.
pub(crate) fn job(JobStub { structure, args }: &JobStub) -> TokenStream {
    let Structure { face, docs, deprecated, derives, .. } = structure;
    let Face { krate, name, vis } = face;
    let derives = (!derives.is_empty()).then(|| quote!(#[derive(#(#derives),*)]));
    let fields: Vec<TokenStream> = args
        .iter()
        .filter_map(|arg| match arg {
            StubArg::Stored { name, ty } | StubArg::Owned { name, ty } => {
                Some(quote!(#vis #name: #ty))
            }
            StubArg::Anything => None,
        })
        .collect();
    let body = if fields.is_empty() { quote!(;) } else { quote!({ #(#fields),* }) };
    let payload = payload(face);
    let runs = runs(face, &quote!(#name));
    let helpers = helpers(face, &new(face, args));
    let beside = beside::attributes(
        krate,
        &quote! {
            #[allow(deprecated)]
            const _: () = {
                #payload
                #runs
            };

            #helpers
        },
    );
    quote! {
        #(#docs)*
        #deprecated
        #[doc = ""]
        #beside
        #derives
        #[allow(dead_code, missing_debug_implementations, private_interfaces, unreachable_pub)]
        #vis struct #name #body
    }
}

/// For a struct that derives `Job`.
pub(crate) fn derived(face: &Face, args: &[StubArg]) -> TokenStream {
    let payload = payload(face);
    let helpers = helpers(face, &new(face, args));
    quote! {
        #[allow(deprecated)]
        const _: () = {
            #payload
        };

        #helpers
    }
}

/// For a function that runs a job which is declared elsewhere.
pub(crate) fn handler(HandlerStub { structure, payload, face }: &HandlerStub) -> TokenStream {
    let name = &face.name;
    match (structure, payload) {
        (Some(structure), Some(payload)) => {
            structure::handler(structure, payload, &runs(face, &quote!(#name)))
        }
        // The job itself is whole.
        (None, Some(payload)) => runs(face, &quote!(#payload)),
        (Some(_), None) => {
            let Face { krate, vis, .. } = face;
            let payload = Face { name: format_ident!("__Refused"), ..face.clone() };
            let refused = self::payload(&payload);
            let runs = runs(face, &quote!(#name));
            let beside = beside::attributes(
                krate,
                &quote! {
                    #[allow(missing_docs, missing_debug_implementations)]
                    const _: () = {
                        pub struct __Refused;
                        #refused
                        #runs

                        impl #krate::typed::JobHandler for #name {
                            type Payload = __Refused;
                        }
                    };
                },
            );
            quote! {
                #beside
                #[allow(missing_docs, missing_debug_implementations, unreachable_pub)]
                #vis struct #name;
            }
        }
        (None, None) => TokenStream::new(),
    }
}

fn new(Face { vis, .. }: &Face, args: &[StubArg]) -> TokenStream {
    let params = args.iter().enumerate().map(|(index, arg)| match arg {
        StubArg::Stored { name, ty } => parameter(name, ty),
        StubArg::Owned { name, ty } => quote!(#name: impl ::core::convert::Into<#ty>),
        StubArg::Anything => {
            let name: Ident = format_ident!("anything_{index}");
            quote!(#name: impl ::core::marker::Sized)
        }
    });
    quote! {
        /// Does nothing: the job was refused.
        #vis fn new(#(#params),*) -> Self {
            ::core::unreachable!()
        }
    }
}

/// All that can be done with a payload, but what depends on its arguments.
fn helpers(face: &Face, new: &TokenStream) -> TokenStream {
    let Face { krate, name, vis } = face;
    let options = enqueue::options(face);
    quote! {
        #[allow(dead_code, deprecated, private_interfaces, unreachable_pub, unused_variables)]
        impl #name {
            #new
            #options

            /// Does nothing: the job was refused.
            #vis fn handler<__State>(
                state: ::std::sync::Arc<__State>,
            ) -> #krate::typed::Typed<Self, __State>
            where
                __State: ::core::marker::Send + ::core::marker::Sync + 'static,
                Self: #krate::typed::TypedHandler<__State>,
            {
                ::core::unreachable!()
            }
        }
    }
}

fn runs(Face { krate, .. }: &Face, subject: &TokenStream) -> TokenStream {
    quote! {
        impl<__State> #krate::typed::TypedHandler<__State> for #subject
        where
            __State: ::core::marker::Send + ::core::marker::Sync + 'static,
        {
            async fn run(
                _: <Self as #krate::typed::JobHandler>::Payload,
                _: &__State,
                _: &#krate::JobContext,
            ) -> #krate::typed::Outcome {
                ::core::unreachable!()
            }
        }
    }
}

fn payload(Face { krate, name, .. }: &Face) -> TokenStream {
    // A name of its own, so that two refused jobs in one list are not refused for sharing one.
    let kind = plain(name);
    let hash = fnv1a(&kind);
    let serde = quote!(#krate::private::serde);
    quote! {
        impl #serde::Serialize for #name {
            fn serialize<S: #serde::Serializer>(
                &self,
                _: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                ::core::unreachable!()
            }
        }

        impl<'de> #serde::Deserialize<'de> for #name {
            fn deserialize<D: #serde::Deserializer<'de>>(
                _: D,
            ) -> ::core::result::Result<Self, D::Error> {
                ::core::unreachable!()
            }
        }

        impl #krate::typed::JobPayload for #name {
            type Output = ();
            const KIND: &'static ::core::primitive::str = #kind;
            const KIND_HASH: ::core::primitive::u64 = #hash;
            const QUEUE: &'static ::core::primitive::str = "default";
            const OPTIONS: #krate::JobOptions = #krate::JobOptions::new();
            const DECLARED_AT: &'static ::core::primitive::str = "";
        }
    }
}
