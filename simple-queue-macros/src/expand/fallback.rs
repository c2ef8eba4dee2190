//! What stands beside a function that was refused: the struct and its impls, looking right and doing
//! nothing. The refusal is the only message; the places that use the job stay as they are.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::enqueue::{self, parameter};
use super::payload::fnv1a;
use crate::model::{Face, StubArg, StubModel};
use crate::parse::item::plain;

pub(crate) fn stub(model: &StubModel) -> TokenStream {
    let Face { krate, payload, vis, docs, deprecated, derives, .. } = &model.face;
    let derives = (!derives.is_empty()).then(|| quote!(#[derive(#(#derives),*)]));
    let fields: Vec<TokenStream> = model
        .args
        .iter()
        .filter_map(|arg| match arg {
            StubArg::Stored { name, ty } | StubArg::Owned { name, ty } => {
                Some(quote!(#vis #name: #ty))
            }
            StubArg::Anything => None,
        })
        .collect();
    let body = match fields.is_empty() {
        true => quote!(;),
        false => quote!({ #(#fields),* }),
    };
    let helpers = helpers(model);
    let impls = impls(&model.face);
    quote! {
        #(#docs)*
        #deprecated
        #[doc = ""]
        #derives
        #[allow(dead_code, missing_debug_implementations, private_interfaces, unreachable_pub)]
        #vis struct #payload #body

        #[allow(deprecated)]
        const _: () = {
            #impls
        };

        #[allow(dead_code, deprecated, private_interfaces, unreachable_pub, unused_variables)]
        impl #payload {
            #helpers

            /// Does nothing: the job was refused.
            #vis fn handler<S>(state: ::std::sync::Arc<S>) -> #krate::Typed<Self, S>
            where
                S: ::core::marker::Send + ::core::marker::Sync + 'static,
            {
                ::core::unreachable!()
            }
        }
    }
}

fn helpers(model: &StubModel) -> TokenStream {
    let vis = &model.face.vis;
    let params = model.args.iter().enumerate().map(|(index, arg)| match arg {
        StubArg::Stored { name, ty } => parameter(name, ty),
        StubArg::Owned { name, ty } => quote!(#name: impl ::core::convert::Into<#ty>),
        StubArg::Anything => {
            let name: Ident = format_ident!("anything_{index}");
            quote!(#name: impl ::core::marker::Sized)
        }
    });
    let options = enqueue::options(&model.face);
    quote! {
        /// Does nothing: the job was refused.
        #vis fn new(#(#params),*) -> Self {
            ::core::unreachable!()
        }
        #options
    }
}

fn impls(Face { krate, function, payload, .. }: &Face) -> TokenStream {
    // A name of its own, so that two refused jobs in one list are not refused for sharing one.
    let kind = plain(function);
    let hash = fnv1a(&kind);
    let serde = quote!(#krate::private::serde);
    quote! {
        impl #serde::Serialize for #payload {
            fn serialize<S: #serde::Serializer>(
                &self,
                _: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                ::core::unreachable!()
            }
        }

        impl<'de> #serde::Deserialize<'de> for #payload {
            fn deserialize<D: #serde::Deserializer<'de>>(
                _: D,
            ) -> ::core::result::Result<Self, D::Error> {
                ::core::unreachable!()
            }
        }

        impl #krate::JobPayload for #payload {
            type Output = ();
            const KIND: &'static ::core::primitive::str = #kind;
            const KIND_HASH: ::core::primitive::u64 = #hash;
            const QUEUE: &'static ::core::primitive::str = "default";
            const OPTIONS: #krate::JobOptions = #krate::JobOptions::new();
            const DECLARED_AT: &'static ::core::primitive::str = "";
        }

        impl<S> #krate::TypedHandler<S> for #payload
        where
            S: ::core::marker::Send + ::core::marker::Sync + 'static,
        {
            async fn run(_: Self, _: &S, _: &#krate::JobContext) -> #krate::Outcome {
                ::core::unreachable!()
            }
        }
    }
}
