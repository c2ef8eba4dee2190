//! Arguments that exist only in some builds: `#[cfg(…)]` on a parameter.
//!
//! An attribute sees such a parameter whether it exists or not, and a call cannot leave an argument
//! out by `#[cfg]`. So the macro writes the function once for each possible build, without the
//! parameters that this build lacks. Each copy has the attribute again, and the compiler keeps one.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, Meta, Token};

use crate::errors::Errors;
use crate::parse::form::Form;
use crate::parse::item::Function;

/// 4, the limit of conditions: each further one doubles the number of builds.
const MOST_CONDITIONS: usize = 4;

/// The function as the user wrote it.
pub(crate) struct Written {
    pub(crate) form: Form,
    /// The path of the library.
    pub(crate) krate: TokenStream,
    /// The arguments of the attribute.
    pub(crate) arguments: TokenStream,
    pub(crate) item: TokenStream,
}

/// Returns the function for every build, if the builds differ.
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

/// Returns the conditions of the parameters, each once; `None` if there are none, or if they are
/// refused.
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

/// Returns the `…` of `#[cfg(…)]`.
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

/// Returns the function with other parameters and every other token unchanged.
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
