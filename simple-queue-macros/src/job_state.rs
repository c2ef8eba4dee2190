//! `#[derive(JobState)]`: one `Provide` for each field of a struct, so that jobs can borrow it, and
//! `JobState` itself, so that the struct can be registered.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Attribute, Data, DeriveInput, Field, GenericArgument, Index, Member, PathArguments, Type,
    TypeParamBound,
};

use crate::errors::Errors;
use crate::krate;
use crate::validate::shown;

pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let generated = match syn::parse2::<DeriveInput>(item) {
        Ok(item) => impls(&item, &mut errors),
        Err(error) => {
            errors.push(error);
            TokenStream::new()
        }
    };
    let errors = errors.into_compile_errors();
    quote!(#errors #generated)
}

/// One value that the state provides: a `T`, and the expression that borrows it.
struct Provided {
    ty: Type,
    borrow: TokenStream,
    /// The field that holds it.
    field: String,
}

fn impls(item: &DeriveInput, errors: &mut Errors) -> TokenStream {
    let needs_struct = "`JobState` is derived for a struct: each of its fields is one thing \
                        that jobs can borrow";
    let fields = match &item.data {
        Data::Struct(data) => &data.fields,
        Data::Enum(data) => {
            errors.on(data.enum_token, needs_struct);
            return TokenStream::new();
        }
        Data::Union(data) => {
            errors.on(data.union_token, needs_struct);
            return TokenStream::new();
        }
    };
    let krate = krate_of(&item.attrs, errors).unwrap_or_else(krate::found);

    let mut provided: Vec<Provided> = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        if is_skipped(field, errors) {
            continue;
        }
        for offer in offers(index, field) {
            match provided.iter().find(|other| same(&other.ty, &offer.ty)) {
                None => provided.push(offer),
                Some(first) => {
                    let message = format!(
                        "`{}` is already provided by the field `{}`\
                         \n\nhelp: leave one out with `#[state(skip)]`, or wrap it in a type of its own",
                        shown(&offer.ty),
                        first.field
                    );
                    errors.on(&field.ty, message);
                    break;
                }
            }
        }
    }

    let state = &item.ident;
    let (impl_generics, type_generics, where_clause) = item.generics.split_for_impl();
    let impls = provided.iter().map(|Provided { ty, borrow, .. }| {
        let lent = lent(ty);
        quote! {
            #[automatically_derived]
            #[allow(deprecated)]
            impl #impl_generics #krate::typed::Provide<#ty> for #state #type_generics #where_clause {
                fn provide(&self) -> &#lent {
                    #borrow
                }
            }
        }
    });
    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl #impl_generics #krate::JobState for #state #type_generics #where_clause {
            type Itself = Self;

            fn shared(self) -> ::std::sync::Arc<Self> {
                ::std::sync::Arc::new(self)
            }
        }

        #(#impls)*
    }
}

/// A field provides its own type; an `Arc<T>` or `Box<T>` provides the `T` in it as well.
fn offers(index: usize, field: &Field) -> impl Iterator<Item = Provided> {
    let member = match &field.ident {
        Some(name) => Member::Named(name.clone()),
        None => Member::Unnamed(Index::from(index)),
    };
    let name = member.to_token_stream().to_string();
    let own = Provided { ty: field.ty.clone(), borrow: quote!(&self.#member), field: name.clone() };
    let within = pointee(&field.ty).map(|ty| Provided {
        ty: ty.clone(),
        borrow: quote!(&*self.#member),
        field: name,
    });
    std::iter::once(own).chain(within)
}

/// Returns the `T` of an `Arc<T>` or a `Box<T>`, by whatever path.
fn pointee(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let is_pointer = last.ident == "Arc" || last.ident == "Box";
    match arguments.args.first() {
        Some(GenericArgument::Type(ty)) if is_pointer => Some(ty),
        _ => None,
    }
}

/// Returns the type behind the borrow's `&`. The lifetime bound of a `dyn Trait` there would
/// default to the borrow, where the trait needs `'static`.
fn lent(ty: &Type) -> TokenStream {
    match ty {
        Type::Paren(inner) => lent(&inner.elem),
        Type::Group(inner) => lent(&inner.elem),
        Type::TraitObject(object)
            if !object.bounds.iter().any(|bound| matches!(bound, TypeParamBound::Lifetime(_))) =>
        {
            quote!((#object + 'static))
        }
        Type::TraitObject(object) => quote!((#object)),
        other => quote!(#other),
    }
}

fn same(one: &Type, other: &Type) -> bool {
    one.to_token_stream().to_string() == other.to_token_stream().to_string()
}

/// Returns whether the field has `#[state(skip)]`.
fn is_skipped(field: &Field, errors: &mut Errors) -> bool {
    let mut skipped = false;
    for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("state")) {
        let parsed = attr.parse_nested_meta(|option| {
            if option.path.is_ident("skip") {
                skipped = true;
                return Ok(());
            }
            Err(option.error("expected `#[state(skip)]`"))
        });
        if let Err(error) = parsed {
            errors.push(error);
            skipped = true;
        }
    }
    skipped
}

/// Returns the path of `#[state(crate = path)]`, for crates that re-export the library.
fn krate_of(attrs: &[Attribute], errors: &mut Errors) -> Option<TokenStream> {
    let mut krate = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("state")) {
        let parsed = attr.parse_nested_meta(|option| {
            if option.path.is_ident("crate") {
                let path = option.value()?.call(syn::Path::parse_mod_style)?;
                krate = Some(path.into_token_stream());
                return Ok(());
            }
            Err(option.error("expected `#[state(crate = path)]`"))
        });
        if let Err(error) = parsed {
            errors.push(error);
        }
    }
    krate
}
