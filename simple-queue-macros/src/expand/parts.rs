//! Parts that several methods of a job share.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

/// Returns a parameter of `new`: the stored type, or `impl Into<String>` for a `String`.
pub(crate) fn parameter(name: &Ident, ty: &Type) -> TokenStream {
    if is_string(ty) {
        quote_spanned!(ty.span()=> #name: impl ::core::convert::Into<#ty>)
    } else {
        quote!(#name: #ty)
    }
}

/// Returns a method with the span of the user's name, where the compiler shows its signature.
pub(crate) fn method_at(name: &Ident, method: &str) -> Ident {
    Ident::new(method, name.span())
}

/// Returns whether the type is written as `String`, so that `new` can take a `&str` too.
pub(crate) fn is_string(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let path = quote!(#path).to_string().replace(' ', "");
    ["String", "std::string::String", "::std::string::String"].contains(&path.as_str())
}
