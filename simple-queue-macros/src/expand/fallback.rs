//! Code for a refused function: the struct and its impls with the right signatures and no
//! behaviour. The refusal is then the only message, and the code that uses the job still compiles.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::enqueue;
use super::parts::parameter;
use super::structure;
use crate::carrier;
use crate::model::{HandlerStub, ItemHead, JobStub, Structure, StubArg};
use crate::parse::item::plain;

/// Returns the fallback of a function with `#[job]`.
pub(crate) fn job(JobStub { structure, args }: &JobStub) -> TokenStream {
    let Structure { item_head, docs, deprecated, derives, .. } = structure;
    let ItemHead { krate, name, vis } = item_head;
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
    let payload = payload(item_head);
    let typed_handler = impl_typed_handler(item_head, &quote!(#name));
    let helpers = helpers(item_head, &new(item_head, args));
    let carrier = carrier::attributes(
        krate,
        &quote! {
            #[allow(deprecated)]
            const _: () = {
                #payload
                #typed_handler
            };

            #helpers
        },
    );
    quote! {
        #(#docs)*
        #deprecated
        #[doc = ""]
        #carrier
        #derives
        #[allow(dead_code, missing_debug_implementations, private_interfaces, unreachable_pub)]
        #vis struct #name #body
    }
}

/// Returns the fallback of a struct that derives `Job`.
pub(crate) fn derived(item_head: &ItemHead, args: &[StubArg]) -> TokenStream {
    let payload = payload(item_head);
    let helpers = helpers(item_head, &new(item_head, args));
    quote! {
        #[allow(deprecated)]
        const _: () = {
            #payload
        };

        #helpers
    }
}

/// Returns the fallback of a function that runs a job declared elsewhere.
pub(crate) fn handler(HandlerStub { structure, payload, item_head }: &HandlerStub) -> TokenStream {
    let name = &item_head.name;
    match (structure, payload) {
        (Some(structure), Some(payload)) => {
            structure::handler(structure, payload, &impl_typed_handler(item_head, &quote!(#name)))
        }
        // The job itself is valid.
        (None, Some(payload)) => impl_typed_handler(item_head, &quote!(#payload)),
        (Some(_), None) => {
            let ItemHead { krate, vis, .. } = item_head;
            let payload = ItemHead { name: format_ident!("__Refused"), ..item_head.clone() };
            let refused = self::payload(&payload);
            let typed_handler = impl_typed_handler(item_head, &quote!(#name));
            let carrier = carrier::attributes(
                krate,
                &quote! {
                    #[allow(missing_docs, missing_debug_implementations)]
                    const _: () = {
                        pub struct __Refused;
                        #refused
                        #typed_handler

                        impl #krate::typed::JobHandler for #name {
                            type Payload = __Refused;
                        }
                    };
                },
            );
            quote! {
                #carrier
                #[allow(missing_docs, missing_debug_implementations, unreachable_pub)]
                #vis struct #name;
            }
        }
        (None, None) => TokenStream::new(),
    }
}

fn new(ItemHead { vis, .. }: &ItemHead, args: &[StubArg]) -> TokenStream {
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

/// Returns all methods of a payload, except those that depend on its arguments.
fn helpers(item_head: &ItemHead, new: &TokenStream) -> TokenStream {
    let ItemHead { krate, name, vis } = item_head;
    let options = enqueue::options(item_head);
    quote! {
        #[allow(dead_code, deprecated, private_interfaces, unreachable_pub, unused_variables)]
        impl #name {
            #new
            #options

            /// Does nothing: the job was refused.
            #vis fn handler<__State>(
                state: ::std::sync::Arc<__State>,
            ) -> #krate::typed::StatefulHandler<Self, __State>
            where
                __State: ::core::marker::Send + ::core::marker::Sync + 'static,
                Self: #krate::typed::TypedHandler<__State>,
            {
                ::core::unreachable!()
            }
        }
    }
}

fn impl_typed_handler(ItemHead { krate, .. }: &ItemHead, subject: &TokenStream) -> TokenStream {
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

fn payload(ItemHead { krate, name, .. }: &ItemHead) -> TokenStream {
    // A unique name, so that two refused jobs in one list are not refused again for sharing one.
    let kind = plain(name);
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
            const QUEUE: &'static ::core::primitive::str = "default";
            const OPTIONS: #krate::JobOptions = #krate::JobOptions::new();
            const DECLARED_AT: &'static ::core::primitive::str = "";
        }
    }
}
