//! Where the library is found in the user's crate.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;

/// The absolute path of the library, under the name that the user's manifest gives it.
///
/// `Itself` is also what an example or a test of the library's own package sees. There the crate has
/// its usual name; within the library itself `extern crate self` provides it.
pub(crate) fn found() -> TokenStream {
    match crate_name("simple-queue") {
        Ok(FoundCrate::Name(name)) => {
            let name = Ident::new(&name, Span::call_site());
            quote!(::#name)
        }
        Ok(FoundCrate::Itself) | Err(_) => quote!(::simple_queue),
    }
}

/// The same path, at a place of the user's: there the compiler will report what is wrong with the
/// call that starts with it.
pub(crate) fn placed(krate: &TokenStream, place: Span) -> TokenStream {
    let at_place = |mut token: TokenTree| {
        token.set_span(place);
        token
    };
    krate.clone().into_iter().map(at_place).collect()
}
