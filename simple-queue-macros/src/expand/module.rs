//! A module with defaults: the same tokens, with `__inherited(…)` added to each attribute that can
//! take it. Bodies of functions are not read; other tokens pass through unchanged.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Meta, Path, Token};

use crate::parse::args::INHERITED;
use crate::parse::form::Form;
use crate::parse::form::is_job;
use crate::parse::list::Arg;
use crate::parse::module::{Module, is_body, is_module};

pub(crate) fn module(Module { head, body }: &Module, defaults: &[Arg]) -> TokenStream {
    let key = Ident::new(INHERITED, Span::call_site());
    let body = within(body, &quote!(#key(#(#defaults),*)));
    quote!(#head #body)
}

/// The body of a module, with the modules in it.
fn within(body: &Group, inherited: &TokenStream) -> Group {
    let tokens: Vec<TokenTree> = body.stream().into_iter().collect();
    let mut rest = &*tokens;
    let mut written = TokenStream::new();
    while let [first, after @ ..] = rest {
        let length = attributes(rest);
        if length > 0 {
            let (attributes, after) = rest.split_at(length);
            written.extend(inheriting(attributes, after, inherited));
            rest = after;
            if has_defaults(attributes) {
                // An inner module passes them on to its own items.
                let length = rest.iter().position(is_last).map_or(rest.len(), |last| last + 1);
                let (module, after) = rest.split_at(length);
                written.extend(module.iter().cloned());
                rest = after;
            }
        } else if let [word, name, TokenTree::Group(inner), after @ ..] = rest
            && is_module(&rest[..2])
            && is_body(inner)
        {
            let inner = within(inner, inherited);
            written.extend(quote!(#word #name #inner));
            rest = after;
        } else {
            written.extend([first.clone()]);
            rest = after;
        }
    }
    regrouped(body, written)
}

/// Returns the length of the attributes at the beginning of the tokens.
fn attributes(tokens: &[TokenTree]) -> usize {
    let pairs = tokens.chunks_exact(2);
    2 * pairs.take_while(|pair| matches!(pair, [hash, TokenTree::Group(group)] if is_hash(hash) && group.delimiter() == Delimiter::Bracket)).count()
}

/// Returns the attributes of an item; the first that can take the defaults gets them.
fn inheriting(
    attributes: &[TokenTree],
    item: &[TokenTree],
    inherited: &TokenStream,
) -> TokenStream {
    let metas: Vec<Option<Meta>> = attributes.iter().skip(1).step_by(2).map(meta).collect();
    let first = |takes: &dyn Fn(&Meta) -> bool| {
        metas.iter().position(|meta| meta.as_ref().is_some_and(takes))
    };
    let keyword = keyword(item);
    let derives = keyword == "struct" && first(&derives_job).is_some();
    let taker = match &*keyword {
        "fn" => first(&|meta| Form::Handler.strips(meta)),
        "mod" => first(&is_defaults),
        _ if derives => first(&|meta| is_job(meta) && matches!(meta, Meta::List(_))),
        _ => None,
    };
    let taker = taker.map(|number| 2 * number + 1);
    let written = attributes.iter().enumerate().map(|(number, token)| match token {
        TokenTree::Group(attribute) if taker == Some(number) => {
            with_inherited(attribute, inherited).into()
        }
        token => token.clone(),
    });
    let written: TokenStream = written.collect();
    let added = (derives && first(&is_job).is_none()).then(|| quote!(#[job(#inherited)]));
    quote!(#written #added)
}

/// Returns `[job(…)]` with one more argument.
fn with_inherited(attribute: &Group, inherited: &TokenStream) -> Group {
    let mut tokens: Vec<TokenTree> = attribute.stream().into_iter().collect();
    let list = match tokens.last() {
        Some(TokenTree::Group(list)) => {
            let (list, own) = (list.clone(), list.stream());
            tokens.pop();
            regrouped(&list, quote!(#inherited, #own))
        }
        _ => Group::new(Delimiter::Parenthesis, inherited.clone()),
    };
    regrouped(attribute, quote!(#(#tokens)* #list))
}

fn regrouped(group: &Group, tokens: TokenStream) -> Group {
    let mut regrouped = Group::new(group.delimiter(), tokens);
    regrouped.set_span(group.span());
    regrouped
}

/// The kinds of items that matter here.
fn keyword(item: &[TokenTree]) -> String {
    let words = item.iter().take_while(|token| !is_last(token)).filter_map(|token| match token {
        TokenTree::Ident(word) => Some(word.to_string()),
        _ => None,
    });
    words.into_iter().find(|word| ["fn", "struct", "mod"].contains(&&**word)).unwrap_or_default()
}

/// Returns whether an item ends with this token.
fn is_last(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => is_body(group),
        TokenTree::Punct(sign) => sign.as_char() == ';',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    }
}

fn is_hash(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(sign) if sign.as_char() == '#')
}

fn meta(token: &TokenTree) -> Option<Meta> {
    match token {
        TokenTree::Group(attribute) => syn::parse2(attribute.stream()).ok(),
        _ => None,
    }
}

fn has_defaults(attributes: &[TokenTree]) -> bool {
    attributes.iter().filter_map(meta).any(|meta| is_defaults(&meta))
}

fn is_defaults(meta: &Meta) -> bool {
    let last = meta.path().segments.last();
    last.is_some_and(|last| last.ident == Form::Module.attribute())
}

/// Returns whether it is `derive(…, Job, …)`.
fn derives_job(meta: &Meta) -> bool {
    let Meta::List(list) = meta else { return false };
    let paths = Punctuated::<Path, Token![,]>::parse_terminated.parse2(list.tokens.clone());
    let is_job = |path: &Path| path.segments.last().is_some_and(|last| last.ident == "Job");
    list.path.is_ident("derive") && paths.is_ok_and(|paths| paths.iter().any(is_job))
}
