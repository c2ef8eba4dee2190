//! The derives of the struct. `Debug` is written out if it has to hide a value.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;

use crate::model::{ItemHead, StoredArg, Structure, is_debug};
use crate::parse::item::plain;

/// Returns the attribute of the struct.
pub(crate) fn derives(structure: &Structure, stored: &[StoredArg]) -> Option<TokenStream> {
    let redacts = redacts(structure, stored);
    let derives: Vec<&Path> =
        structure.derives.iter().filter(|path| !(redacts && is_debug(path))).collect();
    (!derives.is_empty()).then(|| quote!(#[derive(#(#derives),*)]))
}

/// Returns `Debug`, if it is not derived.
pub(crate) fn debug(structure: &Structure, stored: &[StoredArg]) -> Option<TokenStream> {
    redacts(structure, stored).then(|| redacting(&structure.item_head, stored))
}

/// Returns `Debug` of the user's own struct. If it hides a value, it cannot be derived along with
/// `Job`.
pub(crate) fn of_derived(item_head: &ItemHead, stored: &[StoredArg]) -> Option<TokenStream> {
    stored.iter().any(|arg| arg.options.redact.is_some()).then(|| redacting(item_head, stored))
}

fn redacting(ItemHead { name: payload, .. }: &ItemHead, stored: &[StoredArg]) -> TokenStream {
    let fields = stored.iter().map(|arg| {
        let (name, shown) = (&arg.name, plain(&arg.name));
        match arg.options.redact {
            Some(_) => quote!(.field(#shown, &"…")),
            None => {
                // At the type's place but without its macro's hygiene, in which `self` would be
                // another name.
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
