//! How the payload becomes JSON and comes back: with serde's derives, as if they stood on the struct.
//!
//! They stand on a twin of it whose field types are parameters. A type that serde does not know
//! would otherwise be reported by each of the derived functions; so it is reported once, by the
//! assertion at the place where the user wrote the type, and the codec falls back to one that fails.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::krate::placed;
use crate::model::{Face, JobModel};

pub(crate) fn codec(model: &JobModel) -> TokenStream {
    let Face { krate, payload, .. } = &model.face;
    let private = quote!(#krate::private);
    let serde_path = quote!(#private::serde).to_string().replace(' ', "");
    let names: Vec<&Ident> = model.stored().map(|arg| &arg.name).collect();
    let types: Vec<_> = model.stored().map(|arg| &arg.ty).collect();
    let params: Vec<Ident> =
        (1..=names.len()).map(|n| format_ident!("T{n}", span = Span::mixed_site())).collect();
    let assertions = types.iter().map(|ty| {
        let krate = placed(krate, ty.span());
        let assertion = quote_spanned!(ty.span()=> #krate::private::assert_storable::<#ty>());
        quote!(const _: () = #assertion;)
    });
    let rebuilt = match names.is_empty() {
        true => quote!(Self),
        false => quote!(Self { #(#names: stored.#names),* }),
    };
    quote! {
        #(#assertions)*
        #[doc(hidden)]
        #[allow(deprecated, clippy::used_underscore_binding)]
        const _: () = {
            use #private::{ReadFallback as _, ReadStored as _, WriteFallback as _, WriteStored as _};

            #[derive(#private::serde::Serialize, #private::serde::Deserialize)]
            #[serde(crate = #serde_path)]
            struct Stored<#(#params),*> {
                #(#names: #params),*
            }

            #[automatically_derived]
            impl #private::serde::Serialize for #payload {
                fn serialize<S: #private::serde::Serializer>(
                    &self,
                    serializer: S,
                ) -> ::core::result::Result<S::Ok, S::Error> {
                    (&#private::Write(Stored { #(#names: &self.#names),* })).write(serializer)
                }
            }

            #[automatically_derived]
            impl<'de> #private::serde::Deserialize<'de> for #payload {
                fn deserialize<D: #private::serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> ::core::result::Result<Self, D::Error> {
                    let stored: Stored<#(#types),*> =
                        (&#private::Read::<Stored<#(#types),*>>::NEW).read(deserializer)?;
                    ::core::result::Result::Ok(#rebuilt)
                }
            }
        };
    }
}
