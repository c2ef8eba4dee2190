//! Unique keys and fingerprints, and the functions that find and cancel jobs by them. Each key is
//! computed in one place from its arguments, so a job and a lookup cannot disagree.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::parts::{is_string, method_at, parameter};
use super::stored_field::StoredField;
use crate::model::{Cost, Declaration, ItemHead, Piece, StoredArg, Unique};

/// Returns `JobPayload::unique_key`.
pub(crate) fn unique_key(declaration: &Declaration) -> Option<TokenStream> {
    let key = Key::unique(declaration)?.of_self();
    Some(quote! {
        fn unique_key(&self) -> ::core::option::Option<::std::string::String> {
            ::core::option::Option::Some(#key)
        }
    })
}

/// Returns `JobPayload::limit_key`.
pub(crate) fn limit_key(declaration: &Declaration) -> Option<TokenStream> {
    let key = Key::limit(declaration)?.of_self();
    Some(quote! {
        fn limit_key(&self) -> ::core::option::Option<::std::string::String> {
            ::core::option::Option::Some(#key)
        }
    })
}

/// Returns `JobPayload::cost`.
pub(crate) fn cost(declaration: &Declaration) -> Option<TokenStream> {
    let krate = &declaration.item_head.krate;
    let cost = match declaration.key_limit.as_ref()?.cost.as_ref()? {
        Cost::Always(cost) => {
            let cost = Literal::u32_unsuffixed(*cost);
            quote!(#cost)
        }
        Cost::Field(Piece::Field { argument, path, place }) => {
            let name = &declaration.stored.get(*argument)?.name;
            let mut name = name.clone();
            name.set_span(place.resolved_at(name.span()));
            quote_spanned!(*place=> #krate::private::cost(&self.#name #(.#path)*))
        }
        Cost::Field(Piece::Text(_)) => return None,
    };
    Some(quote! {
        fn cost(&self) -> ::core::option::Option<::core::primitive::u64> {
            ::core::option::Option::Some(#cost)
        }
    })
}

/// Returns `JobPayload::fingerprint`.
pub(crate) fn fingerprint(declaration: &Declaration) -> Option<TokenStream> {
    let fingerprint = Key::fingerprint(declaration)?.of_self();
    Some(quote! {
        fn fingerprint(&self) -> ::core::option::Option<::std::string::String> {
            ::core::option::Option::Some(#fingerprint)
        }
    })
}

/// Returns the functions that compute the keys, and those that take the arguments of a key.
pub(crate) fn functions(declaration: &Declaration) -> TokenStream {
    let unique = Key::unique(declaration).map(|key| {
        let function = key.function();
        let find = key.find();
        let cancel = key.cancel();
        let kept = declaration.options.unique_for.map(|_| {
            let find_kept_key = key.find_kept_key();
            let release_key = key.release_key();
            quote!(#find_kept_key #release_key)
        });
        quote!(#function #find #cancel #kept)
    });
    let fingerprint = Key::fingerprint(declaration).map(|key| {
        let function = key.function();
        let cancel_all = key.cancel_all();
        quote!(#function #cancel_all)
    });
    let limit = Key::limit(declaration).map(|key| key.function());
    quote!(#unique #fingerprint #limit)
}

/// The computation of a key.
struct Key<'a> {
    declaration: &'a Declaration,
    /// The function that computes it.
    name: Ident,
    body: TokenStream,
    /// The arguments it is made of, in the order of the declaration.
    arguments: Vec<&'a StoredArg>,
    /// Made of all stored arguments.
    whole: bool,
}

impl<'a> Key<'a> {
    fn unique(declaration: &'a Declaration) -> Option<Self> {
        let krate = &declaration.item_head.krate;
        let name = format_ident!("__unique_key");
        let named = |is_named: &dyn Fn(usize) -> bool| named(declaration, is_named);
        let (body, arguments, whole) = match &declaration.unique {
            Unique::No => return None,
            Unique::AllArguments => {
                (quote!(#krate::private::unique_key_of(self)), named(&|_| true), true)
            }
            Unique::Key(pieces) => {
                let arguments = named(&|number| names(pieces, number));
                (formatted(pieces, declaration), arguments, false)
            }
            Unique::By(by) => {
                let arguments = named(&|number| by.contains(&number));
                (by_arguments(by, declaration), arguments, false)
            }
        };
        Some(Self { declaration, name, body, arguments, whole })
    }

    fn fingerprint(declaration: &'a Declaration) -> Option<Self> {
        let pieces = declaration.fingerprint.as_ref()?;
        Some(Self::of_template("__fingerprint", pieces, declaration))
    }

    fn limit(declaration: &'a Declaration) -> Option<Self> {
        let limit = declaration.key_limit.as_ref()?;
        Some(Self::of_template("__limit_key", &limit.key, declaration))
    }

    fn of_template(name: &str, pieces: &[Piece], declaration: &'a Declaration) -> Self {
        let body = formatted(pieces, declaration);
        let arguments = named(declaration, &|number| names(pieces, number));
        Self { declaration, name: format_ident!("{name}"), body, arguments, whole: false }
    }

    fn function(&self) -> TokenStream {
        let Self { name, body, arguments, whole, .. } = self;
        let params = arguments.iter().map(|StoredArg { name, ty, .. }| quote!(#name: &#ty));
        let params = if *whole { quote!(&self) } else { quote!(#(#params),*) };
        quote! {
            #[doc(hidden)]
            fn #name(#params) -> ::std::string::String {
                #body
            }
        }
    }

    /// Returns the key of a payload.
    fn of_self(&self) -> TokenStream {
        let Self { name, arguments, whole, .. } = self;
        let arguments = arguments.iter().map(|StoredArg { name, .. }| quote!(&self.#name));
        if *whole { quote!(self.#name()) } else { quote!(Self::#name(#(#arguments),*)) }
    }

    /// Returns the key of arguments as `new` takes them.
    fn of_arguments(&self) -> TokenStream {
        let Self { name, arguments, whole, .. } = self;
        let values: Vec<TokenStream> = arguments
            .iter()
            .map(|StoredArg { name, ty, .. }| {
                if is_string(ty) {
                    quote!(::core::convert::Into::<#ty>::into(#name))
                } else {
                    quote!(#name)
                }
            })
            .collect();
        let fields = arguments.iter().zip(&values).map(|(StoredArg { name, ty, .. }, value)| {
            if is_string(ty) { quote!(#name: #value) } else { quote!(#name) }
        });
        if *whole {
            quote!(Self { #(#fields),* }.#name())
        } else {
            quote!(Self::#name(#(&#values),*))
        }
    }

    fn find(&self) -> TokenStream {
        let krate = &self.declaration.item_head.krate;
        let about = "The job with the key of these arguments that waits or runs, if there is one.";
        self.asking("find", about, &quote!(::core::option::Option<#krate::Found<Self>>))
    }

    fn cancel(&self) -> TokenStream {
        let about = "Cancels the job with the key of these arguments that waits or runs; says whether \
                     there was one.";
        self.asking("cancel", about, &quote!(::core::primitive::bool))
    }

    fn find_kept_key(&self) -> TokenStream {
        let krate = &self.declaration.item_head.krate;
        let about = "The job that keeps the key of these arguments, whether it has ended or not, if \
                     there is one.";
        let answer = quote!(::core::option::Option<#krate::KeptKey>);
        self.asking("find_kept_key", about, &answer)
    }

    fn release_key(&self) -> TokenStream {
        let about = "Frees the key of these arguments if it is kept; says whether it was. A job that \
                     waits or runs holds its key all the same.";
        self.asking("release_key", about, &quote!(::core::primitive::bool))
    }

    fn cancel_all(&self) -> TokenStream {
        let about = "Cancels all jobs, of whatever kind, with the fingerprint of these arguments that \
                     wait or run; says how many there were.";
        self.asking("cancel_all", about, &quote!(::core::primitive::u64))
    }

    /// Returns a function that takes the arguments of the key and a target.
    fn asking(&self, name: &str, about: &str, answer: &TokenStream) -> TokenStream {
        let ItemHead { krate, vis, name: job } = &self.declaration.item_head;
        let method = method_at(job, name);
        let name = format_ident!("{name}");
        let about = format!(" {about}");
        let params = self.arguments.iter().map(|arg| parameter(&arg.name, &arg.ty));
        let on = Ident::new("on", Span::mixed_site());
        let key = self.of_arguments();
        // A unique key belongs to its kind of job; a fingerprint can be shared by several kinds.
        let asked =
            if name == "cancel_all" { quote!((#key, #on)) } else { quote!(::<Self>(&#key, #on)) };
        quote! {
            #[doc = #about]
            ///
            /// # Errors
            ///
            /// When the database fails.
            #[allow(clippy::too_many_arguments)]
            #vis fn #method<'e>(
                #(#params,)*
                #on: impl #krate::EnqueueOn<'e>,
            ) -> impl ::core::future::Future<
                Output = ::core::result::Result<#answer, #krate::Error>,
            > + ::core::marker::Send + 'e {
                #krate::private::#name #asked
            }
        }
    }
}

/// Returns the stored arguments with these numbers.
fn named<'a>(declaration: &'a Declaration, is_named: &dyn Fn(usize) -> bool) -> Vec<&'a StoredArg> {
    let numbered = declaration.stored.iter().enumerate();
    numbered.filter(|(number, _)| is_named(*number)).map(|(_, arg)| arg).collect()
}

fn names(pieces: &[Piece], number: usize) -> bool {
    pieces.iter().any(|piece| matches!(piece, Piece::Field { argument, .. } if *argument == number))
}

/// Returns the key of some arguments: a hash of their serialized form. It uses the codec, so a type
/// that serde does not know is reported once.
fn by_arguments(by: &[usize], declaration: &Declaration) -> TokenStream {
    let krate = &declaration.item_head.krate;
    let private = quote!(#krate::private);
    if by.is_empty() {
        return quote!(#private::unique_key_of(&()));
    }
    let fields: Vec<StoredField> = StoredField::of_all(declaration).collect();
    let fields: Vec<&StoredField> = by.iter().filter_map(|number| fields.get(*number)).collect();
    let wrappers = fields.iter().map(|field| field.writer(krate));
    let types = fields.iter().map(|field| &field.arg.ty);
    let names = fields.iter().map(|field| &field.arg.name);
    let values = fields.iter().enumerate().map(|(index, field)| {
        let index = syn::Index::from(index);
        field.borrowed(&quote!(self.#index))
    });
    quote! {
        use #private::{WriteFallback as _, WriteStored as _};

        #(#wrappers)*
        struct __Key<'a>(#(&'a #types),*);

        impl #private::serde::Serialize for __Key<'_> {
            fn serialize<__S: #private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                (&#private::Write((#(#values,)*))).write(serializer)
            }
        }

        #private::unique_key_of(&__Key(#(#names),*))
    }
}

/// Returns `format!` of the template; each argument goes through a function whose bound reports
/// what is missing.
fn formatted(pieces: &[Piece], declaration: &Declaration) -> TokenStream {
    let krate = &declaration.item_head.krate;
    let mut format = String::new();
    let mut arguments = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => format.push_str(&text.replace('{', "{{").replace('}', "}}")),
            Piece::Field { argument, path, place } => {
                format.push_str("{}");
                let Some(arg) = declaration.stored.get(*argument) else { continue };
                // The function's own name of the argument, with the span in the key.
                let mut name = arg.name.clone();
                name.set_span(place.resolved_at(name.span()));
                let field = if path.is_empty() {
                    quote!(#name)
                } else {
                    quote_spanned!(*place=> &#name #(.#path)*)
                };
                arguments.push(quote_spanned!(*place=> #krate::private::key_part(#field)));
            }
        }
    }
    quote!(::std::format!(#format #(, #arguments)*))
}
