//! Converts the payload to JSON and back with serde's derives, as if they were on the struct.
//!
//! The derives are on a copy of the struct whose field types are parameters. A type that serde does
//! not know would otherwise be reported by each derived function. Instead an assertion reports it
//! once, where the user wrote the type, and the codec falls back to one that fails.
//!
//! serde's derives write `str` and `u64` and mean the primitive types. So the copy has a scope of
//! its own with those names; the user's types, whatever their names, are named outside of it.

use proc_macro2::TokenStream;
use quote::quote;

use super::stored_field::StoredField;
use crate::model::{Declaration, ItemHead};

pub(crate) fn codec(declaration: &Declaration) -> TokenStream {
    let ItemHead { krate, name: payload, .. } = &declaration.item_head;
    let private = quote!(#krate::private);
    let serde_path = quote!(#private::serde).to_string().replace(' ', "");
    let stored: Vec<StoredField> = StoredField::of_all(declaration).collect();
    let assertions = stored.iter().map(|field| field.assertion(krate));
    let wrappers = stored.iter().map(|field| {
        let (writer, reader) = (field.writer(krate), field.reader(krate));
        quote!(#writer #reader)
    });
    let defaults = stored.iter().map(StoredField::default_function);
    let given = given(declaration);
    let params = stored.iter().map(|field| &field.param);
    let fields = stored.iter().map(|field| field.field(krate));
    let written = stored.iter().map(StoredField::written);
    let types: Vec<_> = stored.iter().map(|field| &field.alias).collect();
    let aliases = stored.iter().map(|field| {
        let (alias, ty) = (&field.alias, field.read_as());
        quote!(type #alias = #ty;)
    });
    let rebuilt = stored.iter().map(StoredField::rebuilt);
    quote! {
        #(#assertions)*
        #[doc(hidden)]
        #[allow(deprecated, clippy::unnecessary_wraps, clippy::used_underscore_binding)]
        const _: () = {
            #(#wrappers)*
            #(#defaults)*
            #(#aliases)*

            const _: () = {
                #[allow(unused_imports)]
                use ::core::primitive::*;
                use #private::{ReadFallback as _, ReadStored as _, WriteFallback as _, WriteStored as _};

                #given

                #[derive(#private::serde::Serialize, #private::serde::Deserialize)]
                #[serde(crate = #serde_path)]
                struct __Stored<#(#params),*> {
                    #(#fields),*
                }

                #[automatically_derived]
                impl #private::serde::Serialize for #payload {
                    fn serialize<__S: #private::serde::Serializer>(
                        &self,
                        serializer: __S,
                    ) -> ::core::result::Result<__S::Ok, __S::Error> {
                        (&#private::Write(__Stored { #(#written),* })).write(serializer)
                    }
                }

                #[automatically_derived]
                impl<'de> #private::serde::Deserialize<'de> for #payload {
                    fn deserialize<__D: #private::serde::Deserializer<'de>>(
                        deserializer: __D,
                    ) -> ::core::result::Result<Self, __D::Error> {
                        let stored: __Stored<#(#types),*> =
                            (&#private::Read::<__Stored<#(#types),*>>::NEW).read(deserializer)?;
                        ::core::result::Result::Ok(Self { #(#rebuilt),* })
                    }
                }
            };
        };
    }
}

/// Tells a stored argument from a missing one, also if the stored value is `null`.
fn given(declaration: &Declaration) -> Option<TokenStream> {
    let krate = &declaration.item_head.krate;
    let serde = quote!(#krate::private::serde);
    declaration.stored.iter().any(|arg| arg.options.default.is_some()).then(|| {
        quote! {
            fn __given<'de, T: #serde::Deserialize<'de>, D: #serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<::core::option::Option<T>, D::Error> {
                ::core::result::Result::map(
                    T::deserialize(deserializer),
                    ::core::option::Option::Some,
                )
            }
        }
    })
}
