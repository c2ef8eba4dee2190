//! Collects every mistake of one expansion, so that all are reported at once.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// The mistakes found so far. A mistake is reported once: the code that reports it leaves the part
/// out of the model, so that no later step meets it again.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    found: Vec<syn::Error>,
    reported: bool,
}

impl Errors {
    /// Creates a list for a second look at a part that was reported before.
    pub(crate) fn already_reported() -> Self {
        Self { found: Vec::new(), reported: true }
    }

    /// Reports a mistake at one place.
    pub(crate) fn at(&mut self, place: Span, message: impl Display) {
        self.found.push(syn::Error::new(place, message));
    }

    /// Reports a mistake that spans all of the given tokens.
    pub(crate) fn on(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.found.push(syn::Error::new_spanned(tokens, message));
    }

    /// Takes over an error of the parser.
    pub(crate) fn push(&mut self, error: syn::Error) {
        self.found.push(error);
    }

    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// Discards the mistakes of a part that will be looked at again and reported then.
    pub(crate) fn forget(mut self) {
        self.reported = true;
    }

    /// Returns all mistakes as `compile_error!`s, in the order in which they were found.
    pub(crate) fn into_compile_errors(mut self) -> TokenStream {
        self.reported = true;
        self.found.iter().map(syn::Error::to_compile_error).collect()
    }
}

impl Drop for Errors {
    /// A mistake that is found and then dropped would let a broken job compile.
    fn drop(&mut self) {
        let forgotten = !self.reported && !self.found.is_empty();
        assert!(!forgotten || std::thread::panicking(), "errors were gathered but not reported");
    }
}
