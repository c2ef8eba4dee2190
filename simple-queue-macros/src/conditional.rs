//! Arguments that are there in some builds only: `#[cfg(…)]` on a parameter.
//!
//! An attribute sees such a parameter whether it is there or not, and a call cannot leave an argument out
//! by `#[cfg]`. So the function is written once for each of the builds that there can be, without those
//! parameters which that build does not have, each with the attribute again: only one of them is compiled.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, Meta, Token};

use crate::errors::Errors;
use crate::parse::form::Form;
use crate::parse::item::Function;

/// With each further condition there are twice as many builds.
const MOST_CONDITIONS: usize = 4;

/// What the user wrote.
pub(crate) struct Written {
    pub(crate) form: Form,
    /// The path of the library.
    pub(crate) krate: TokenStream,
    /// Those of the attribute.
    pub(crate) arguments: TokenStream,
    pub(crate) item: TokenStream,
}

/// The function for every build, where they differ.
pub(crate) fn builds(
    function: &Function,
    Written { form, krate, arguments, item }: &Written,
    errors: &mut Errors,
) -> Option<TokenStream> {
    let inputs = &function.signature.inputs;
    let conditions = conditions(inputs, errors)?;
    let attribute = Ident::new(form.attribute(), Span::call_site());
    let build = |held: usize| {
        let holds = |number: usize| held & (1 << number) != 0;
        let said = conditions.iter().enumerate().map(|(number, condition)| {
            if holds(number) { quote!(#condition) } else { quote!(not(#condition)) }
        });
        let params = inputs.iter().filter_map(|input| {
            let mut input = input.clone();
            let attrs = attrs_of(&mut input);
            let is_there = attrs.iter().filter_map(condition).all(|condition| {
                let found = conditions.iter().position(|other| same(other, &condition));
                found.is_none_or(holds)
            });
            attrs.retain(|attr| condition(attr).is_none());
            is_there.then_some(input)
        });
        let said: Vec<TokenStream> = said.collect();
        let this_build = match &*said {
            [said] => quote!(#said),
            said => quote!(all(#(#said),*)),
        };
        let item = with_params(item.clone(), quote!(#(#params),*));
        quote! {
            #[cfg(#this_build)]
            #[#krate::#attribute(#arguments)]
            #item
        }
    };
    Some((0..1 << conditions.len()).map(build).collect())
}

/// The conditions that parameters have, each once; `None` where no parameter has any, or they are refused.
fn conditions(
    inputs: &Punctuated<FnArg, Token![,]>,
    errors: &mut Errors,
) -> Option<Vec<TokenStream>> {
    let before = errors.count();
    let mut conditions: Vec<TokenStream> = Vec::new();
    for input in inputs {
        for attr in attrs_of(&mut input.clone()) {
            if attr.path().is_ident("cfg_attr") {
                let message = "an argument is part of a build or is not: write `#[cfg(..)]`";
                errors.on(attr, message);
            } else if let Some(condition) = condition(attr)
                && !conditions.iter().any(|other| same(other, &condition))
            {
                if conditions.len() == MOST_CONDITIONS {
                    let message = format!(
                        "a job has at most {MOST_CONDITIONS} conditions on its arguments; \
                         put some of them into one struct"
                    );
                    errors.on(attr, message);
                    return None;
                }
                conditions.push(condition);
            }
        }
    }
    (errors.count() == before && !conditions.is_empty()).then_some(conditions)
}

/// The `…` of `#[cfg(…)]`.
fn condition(attr: &Attribute) -> Option<TokenStream> {
    match &attr.meta {
        Meta::List(list) if list.path.is_ident("cfg") => Some(list.tokens.clone()),
        _ => None,
    }
}

fn same(one: &TokenStream, other: &TokenStream) -> bool {
    one.to_string() == other.to_string()
}

fn attrs_of(input: &mut FnArg) -> &mut Vec<Attribute> {
    match input {
        FnArg::Typed(param) => &mut param.attrs,
        FnArg::Receiver(receiver) => &mut receiver.attrs,
    }
}

/// The function with other parameters, and every other token as it is.
fn with_params(item: TokenStream, params: TokenStream) -> TokenStream {
    let mut seen_fn = false;
    let mut params = Some(params);
    item.into_iter()
        .map(|token| match token {
            TokenTree::Ident(word) if word == "fn" => {
                seen_fn = true;
                word.into()
            }
            TokenTree::Group(group)
                if seen_fn && group.delimiter() == Delimiter::Parenthesis && params.is_some() =>
            {
                let mut replaced =
                    Group::new(Delimiter::Parenthesis, params.take().into_token_stream());
                replaced.set_span(group.span());
                replaced.into()
            }
            other => other,
        })
        .collect()
}
