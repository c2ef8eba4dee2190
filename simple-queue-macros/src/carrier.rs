//! A struct carries the items written for it in an attribute of a derive, which only expands to
//! them.
//!
//! So an attribute macro writes one item, the struct. On a function in an `impl` or a trait no
//! struct is allowed. An attribute cannot see where its function is, so the compiler reports it:
//! once for the struct, and not again for each further item.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

/// Returns the attributes of a struct that carry these items.
pub(crate) fn attributes(krate: &TokenStream, items: &TokenStream) -> TokenStream {
    quote! {
        #[derive(#krate::private::CarrierDerive)]
        #[carried { #items }]
    }
}

/// Expands `#[derive(CarrierDerive)]` to the items in the attribute.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    item.into_iter().find_map(held).unwrap_or_default()
}

/// Returns the items in `[carried { … }]`.
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
