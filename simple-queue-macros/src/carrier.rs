//! What stands beside a struct comes by way of a derive on it, which does nothing but hand it on.
//!
//! So the struct brings it along. Where no struct can stand, on a function in an `impl` or a trait, this is
//! said once of the struct, and not again of each item: an attribute does not see where its function stands.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

/// The attributes of a struct that bring these items.
pub(crate) fn attributes(krate: &TokenStream, items: &TokenStream) -> TokenStream {
    quote! {
        #[derive(#krate::private::CarrierDerive)]
        #[carried { #items }]
    }
}

/// `#[derive(CarrierDerive)]`: what the attribute holds.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    item.into_iter().find_map(held).unwrap_or_default()
}

/// What `[carried { … }]` holds.
fn held(token: TokenTree) -> Option<TokenStream> {
    let TokenTree::Group(attribute) = token else { return None };
    let mut tokens = attribute.stream().into_iter();
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(name)), Some(TokenTree::Group(items))) if name == "carried" => {
            Some(items.stream())
        }
        _ => None,
    }
}
