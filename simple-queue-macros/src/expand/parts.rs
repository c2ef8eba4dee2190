//! What several methods of a job are made of.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

/// A parameter of `new`: the stored type, or for a `String` all that becomes one.
pub(crate) fn parameter(name: &Ident, ty: &Type) -> TokenStream {
    if is_string(ty) {
        quote_spanned!(ty.span()=> #name: impl ::core::convert::Into<#ty>)
    } else {
        quote!(#name: #ty)
    }
}

/// A method that stands where the user's name does: there the compiler shows what it takes.
pub(crate) fn method_at(name: &Ident, method: &str) -> Ident {
    Ident::new(method, name.span())
}

/// Whether the type is written as `String` is, so that `new` can take a `&str` too.
pub(crate) fn is_string(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let path = quote!(#path).to_string().replace(' ', "");
    ["String", "std::string::String", "::std::string::String"].contains(&path.as_str())
}
