//! `unique_key`: what makes two jobs the same job; `fingerprint`: what makes them a group.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::twin::Twin;
use crate::model::{Face, JobModel, Piece, Unique};

pub(crate) fn unique_key(model: &JobModel) -> Option<TokenStream> {
    let krate = &model.face.krate;
    let key = match &model.unique {
        Unique::No => return None,
        Unique::AllArguments => quote!(#krate::private::unique_key_of(self)),
        Unique::Key(pieces) => formatted(pieces, krate),
        Unique::By(by) => by_arguments(by, model),
    };
    Some(quote! {
        fn unique_key(&self) -> ::core::option::Option<::std::string::String> {
            ::core::option::Option::Some(#key)
        }
    })
}

pub(crate) fn fingerprint(model: &JobModel) -> Option<TokenStream> {
    let fingerprint = formatted(model.fingerprint.as_ref()?, &model.face.krate);
    Some(quote! {
        fn fingerprint(&self) -> ::core::option::Option<::std::string::String> {
            ::core::option::Option::Some(#fingerprint)
        }
    })
}

/// The key of some arguments: of what serde writes for them, by the way of the codec, so that a type
/// which it does not know is reported once.
fn by_arguments(by: &[usize], model: &JobModel) -> TokenStream {
    let Face { krate, payload, .. } = &model.face;
    let private = quote!(#krate::private);
    if by.is_empty() {
        return quote!(#private::unique_key_of(&()));
    }
    let twins: Vec<Twin> = Twin::of_all(model).collect();
    let twins: Vec<&Twin> = by.iter().filter_map(|number| twins.get(*number)).collect();
    let wrappers = twins.iter().map(|twin| twin.writer(krate));
    let values = twins.iter().map(|twin| twin.borrowed(&quote!(self.0)));
    quote! {{
        use #private::{WriteFallback as _, WriteStored as _};

        #(#wrappers)*
        struct __Key<'a>(&'a #payload);

        impl #private::serde::Serialize for __Key<'_> {
            fn serialize<__S: #private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                (&#private::Write((#(#values,)*))).write(serializer)
            }
        }

        #private::unique_key_of(&__Key(self))
    }}
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
