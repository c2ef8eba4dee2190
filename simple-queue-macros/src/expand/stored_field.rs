//! One stored argument in the codec's copy of the payload struct.
//!
//! An argument with a default is an `Option` there. Rebuilding the payload fills it in, so the
//! default is a value of the user's type and serde needs no function. An argument with a module of
//! its own is wrapped in a type whose impls call that module.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;

use crate::krate::placed;
use crate::model::{Declaration, FieldDefault, StoredArg};

pub(crate) struct StoredField<'a> {
    pub(crate) arg: &'a StoredArg,
    /// The type parameter in place of its type.
    pub(crate) param: Ident,
    /// An alias of its type as it is read.
    pub(crate) alias: Ident,
    /// The type that calls the user's module.
    wrapper: Ident,
    /// The function that returns the default.
    default: Ident,
}

impl<'a> StoredField<'a> {
    pub(crate) fn of_all(declaration: &'a Declaration) -> impl Iterator<Item = Self> {
        declaration.stored.iter().zip(1..).map(|(arg, n)| {
            let named = |start: &str| format_ident!("{start}{n}", span = Span::mixed_site());
            Self {
                arg,
                param: named("T"),
                alias: named("__Type"),
                wrapper: named("__With"),
                default: named("__default"),
            }
        })
    }

    /// Returns its declaration.
    pub(crate) fn field(&self, krate: &TokenStream) -> TokenStream {
        let (name, param) = (&self.arg.name, &self.param);
        let options = &self.arg.options;
        let rename = options.rename.iter().map(|rename| quote!(rename = #rename));
        let aliases = options.aliases.iter().map(|alias| quote!(alias = #alias));
        let default = options.default.iter().map(|_| {
            let serde = quote!(#krate::private::serde).to_string().replace(' ', "");
            let bound = format!("{param}: {serde}::Deserialize<'de>");
            quote! {
                default = "::core::option::Option::default",
                deserialize_with = "__given",
                bound(deserialize = #bound)
            }
        });
        let attributes: Vec<TokenStream> = rename.chain(aliases).chain(default).collect();
        let attributes = (!attributes.is_empty()).then(|| quote!(#[serde(#(#attributes),*)]));
        match options.default {
            None => quote!(#attributes #name: #param),
            Some(_) => quote!(#attributes #name: ::core::option::Option<#param>),
        }
    }

    /// Returns the type in place of its own when the copy is read.
    pub(crate) fn read_as(&self) -> TokenStream {
        let (ty, wrapper) = (&self.arg.ty, &self.wrapper);
        match self.arg.options.with {
            None => quote!(#ty),
            Some(_) => quote!(#wrapper<#ty>),
        }
    }

    /// Returns its value, borrowed, when the copy is written.
    pub(crate) fn written(&self) -> TokenStream {
        let name = &self.arg.name;
        let value = self.borrowed(&quote!(&self.#name));
        match self.arg.options.default {
            None => quote!(#name: #value),
            Some(_) => quote!(#name: ::core::option::Option::Some(#value)),
        }
    }

    /// Returns its borrowed value, as serde writes it.
    pub(crate) fn borrowed(&self, value: &TokenStream) -> TokenStream {
        let wrapper = &self.wrapper;
        match self.arg.options.with {
            None => value.clone(),
            Some(_) => quote!(#wrapper(#value)),
        }
    }

    /// Returns its value in the payload.
    pub(crate) fn rebuilt(&self) -> TokenStream {
        let (name, default) = (&self.arg.name, &self.default);
        let options = &self.arg.options;
        let value = match (&options.default, &options.with) {
            (None, None) => quote!(stored.#name),
            (None, Some(_)) => quote!(stored.#name.0),
            (Some(_), None) => {
                quote!(::core::option::Option::unwrap_or_else(stored.#name, #default))
            }
            (Some(_), Some(_)) => quote! {
                ::core::option::Option::map_or_else(stored.#name, #default, |given| given.0)
            },
        };
        quote!(#name: #value)
    }

    /// Returns an assertion that makes the compiler report an unknown type where the type is
    /// written.
    pub(crate) fn assertion(&self, krate: &TokenStream) -> Option<TokenStream> {
        let ty = &self.arg.ty;
        if self.arg.options.with.is_some() {
            return None;
        }
        let krate = placed(krate, ty.span());
        let assertion = quote_spanned!(ty.span()=> #krate::private::assert_storable::<#ty>());
        Some(quote!(const _: () = #assertion;))
    }

    /// Returns the function that returns the default.
    pub(crate) fn default_function(&self) -> Option<TokenStream> {
        let (ty, name) = (&self.arg.ty, &self.default);
        let value = match self.arg.options.default.as_ref()? {
            FieldDefault::OfType => {
                quote_spanned!(ty.span()=> <#ty as ::core::default::Default>::default())
            }
            FieldDefault::Value(value) => quote!(#value),
        };
        Some(quote! {
            fn #name() -> #ty {
                #value
            }
        })
    }

    /// Returns the wrapper, and its `Serialize`.
    pub(crate) fn writer(&self, krate: &TokenStream) -> Option<TokenStream> {
        let (ty, wrapper) = (&self.arg.ty, &self.wrapper);
        let module = self.arg.options.with.as_ref()?;
        let called = quote_spanned!(at(module)=> #module::serialize(self.0, serializer));
        let serde = quote!(#krate::private::serde);
        Some(quote! {
            struct #wrapper<T>(T);

            impl #serde::Serialize for #wrapper<&#ty> {
                fn serialize<__S: #serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    #called
                }
            }
        })
    }

    /// Returns the wrapper's `Deserialize`.
    pub(crate) fn reader(&self, krate: &TokenStream) -> Option<TokenStream> {
        let (ty, wrapper) = (&self.arg.ty, &self.wrapper);
        let module = self.arg.options.with.as_ref()?;
        let called = quote_spanned!(at(module)=> #module::deserialize(deserializer));
        let serde = quote!(#krate::private::serde);
        Some(quote! {
            impl<'de> #serde::Deserialize<'de> for #wrapper<#ty> {
                fn deserialize<__D: #serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    let read: ::core::result::Result<#ty, __D::Error> = #called;
                    ::core::result::Result::map(read, Self)
                }
            }
        })
    }
}

/// Returns the span of a module's path, where the compiler reports what is wrong with its
/// functions.
fn at(module: &Path) -> Span {
    module.span().resolved_at(Span::call_site())
}
