//! What the struct derives. `Debug` is written out where it has to leave something unsaid.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;

use crate::model::{ItemHead, StoredArg, Structure, is_debug};
use crate::parse::item::plain;

/// The attribute of the struct.
pub(crate) fn derives(structure: &Structure, stored: &[StoredArg]) -> Option<TokenStream> {
    let redacts = redacts(structure, stored);
    let derives: Vec<&Path> =
        structure.derives.iter().filter(|path| !(redacts && is_debug(path))).collect();
    (!derives.is_empty()).then(|| quote!(#[derive(#(#derives),*)]))
}

/// `Debug`, when it is not derived.
pub(crate) fn debug(structure: &Structure, stored: &[StoredArg]) -> Option<TokenStream> {
    redacts(structure, stored).then(|| redacting(&structure.item_head, stored))
}

/// `Debug` of a struct that is the user's own: where it leaves something unsaid, it cannot be derived beside `Job`.
pub(crate) fn of_derived(item_head: &ItemHead, stored: &[StoredArg]) -> Option<TokenStream> {
    stored.iter().any(|arg| arg.options.redact.is_some()).then(|| redacting(item_head, stored))
}

fn redacting(ItemHead { name: payload, .. }: &ItemHead, stored: &[StoredArg]) -> TokenStream {
    let fields = stored.iter().map(|arg| {
        let (name, shown) = (&arg.name, plain(&arg.name));
        match arg.options.redact {
            Some(_) => quote!(.field(#shown, &"…")),
            None => {
                // At the type's place, but not of its macro, to which `self` would be another one.
                let place = arg.ty.span().resolved_at(Span::call_site());
                quote_spanned!(place=> .field(#shown, &self.#name))
            }
        }
    });
    let shown = plain(payload);
    quote! {
        #[automatically_derived]
        #[allow(deprecated, clippy::used_underscore_binding)]
        impl ::core::fmt::Debug for #payload {
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                formatter.debug_struct(#shown) #(#fields)* .finish()
            }
        }
    }
}

fn redacts(structure: &Structure, stored: &[StoredArg]) -> bool {
    structure.derives.iter().any(is_debug) && stored.iter().any(|arg| arg.options.redact.is_some())
}
