//! The path of the library in the user's crate.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;

/// Returns the absolute path of the library, under the name in the user's manifest.
///
/// `Itself` is also what an example or a test of the library's own package gets. There the crate
/// has its usual name; within the library itself `extern crate self` provides it.
pub(crate) fn found() -> TokenStream {
    match crate_name("simple-queue") {
        Ok(FoundCrate::Name(name)) => {
            let name = Ident::new(&name, Span::call_site());
            quote!(::#name)
        }
        Ok(FoundCrate::Itself) | Err(_) => quote!(::simple_queue),
    }
}

/// Returns the same path with a span of the user's, where the compiler reports what is wrong with
/// the call that starts with it.
pub(crate) fn placed(krate: &TokenStream, place: Span) -> TokenStream {
    let at_place = |mut token: TokenTree| {
        token.set_span(place);
        token
    };
    krate.clone().into_iter().map(at_place).collect()
}
