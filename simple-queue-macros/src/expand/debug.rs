//! What the struct derives. `Debug` is written out where it has to leave something unsaid.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;

use crate::model::{Face, JobModel, is_debug};
use crate::parse::item::plain;

/// The attribute of the struct.
pub(crate) fn derives(model: &JobModel) -> Option<TokenStream> {
    let redacts = redacts(model);
    let derives: Vec<&Path> =
        model.face.derives.iter().filter(|path| !(redacts && is_debug(path))).collect();
    (!derives.is_empty()).then(|| quote!(#[derive(#(#derives),*)]))
}

/// `Debug`, when it is not derived.
pub(crate) fn debug(model: &JobModel) -> Option<TokenStream> {
    let payload = &model.face.payload;
    let fields = model.stored().map(|arg| {
        let (name, shown) = (&arg.name, plain(&arg.name));
        match arg.options.redact {
            Some(_) => quote!(.field(#shown, &"…")),
            None => quote_spanned!(arg.ty.span()=> .field(#shown, &self.#name)),
        }
    });
    let shown = plain(payload);
    redacts(model).then(|| {
        quote! {
            #[automatically_derived]
            #[allow(deprecated, clippy::used_underscore_binding)]
            impl ::core::fmt::Debug for #payload {
                fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    formatter.debug_struct(#shown) #(#fields)* .finish()
                }
            }
        }
    })
}

fn redacts(model: &JobModel) -> bool {
    let Face { derives, .. } = &model.face;
    derives.iter().any(is_debug) && model.stored().any(|arg| arg.options.redact.is_some())
}
