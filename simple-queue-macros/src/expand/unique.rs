//! `unique_key`: what makes two jobs the same job.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::model::{JobModel, Piece, Unique};

pub(crate) fn unique_key(model: &JobModel) -> Option<TokenStream> {
    let krate = &model.face.krate;
    let key = match &model.unique {
        Unique::No => return None,
        Unique::AllArguments => quote!(#krate::private::unique_key_of(self)),
        Unique::Key(pieces) => formatted(pieces, krate),
    };
    Some(quote! {
        fn unique_key(&self) -> ::core::option::Option<::std::string::String> {
            ::core::option::Option::Some(#key)
        }
    })
}

/// `format!` of the template, each argument by way of a function whose bound tells what is missing.
fn formatted(pieces: &[Piece], krate: &TokenStream) -> TokenStream {
    let mut format = String::new();
    let mut arguments = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => format.push_str(&text.replace('{', "{{").replace('}', "}}")),
            Piece::Field { path, place } => {
                format.push_str("{}");
                let field = quote_spanned!(*place=> &self #(.#path)*);
                arguments.push(quote_spanned!(*place=> #krate::private::key_part(#field)));
            }
        }
    }
    quote!(::std::format!(#format #(, #arguments)*))
}
