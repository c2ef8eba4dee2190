//! The item below `#[job]` or `#[handler]`. Only the signature is read. A body may be half typed,
//! or newer than our parser.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Meta, Signature, Visibility};

use super::form::{Form, is_job};
use crate::errors::Errors;

pub(crate) struct Item {
    /// The item for the compiler: every token of the user's except those that only this crate
    /// understands.
    pub(crate) as_written: TokenStream,
    /// The function, if it is one.
    pub(crate) function: Option<Function>,
}

/// A function without its body.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) signature: Signature,
}

pub(crate) fn parse(item: TokenStream, form: Form, errors: &mut Errors) -> Item {
    let as_written = without_our_attributes(item.clone(), form);
    let function = |input: ParseStream<'_>| function(input, form.attribute());
    let function = match function.parse2(item) {
        Ok(function) => Some(function),
        Err(error) => {
            errors.push(error);
            None
        }
    };
    Item { as_written, function }
}

fn function(input: ParseStream, attribute: &str) -> syn::Result<Function> {
    let attrs = input.call(Attribute::parse_outer)?;
    let vis: Visibility = input.parse()?;
    if !starts_function(input) {
        let keyword: TokenTree = input.parse()?;
        input.parse::<TokenStream>()?;
        let message = match (attribute, keyword.to_string().as_str()) {
            ("job", "struct") => "`#[job]` goes on an `async fn`; \
                                  to make a job of a struct put `#[derive(Job)]` above it"
                .to_owned(),
            (_, word) => format!("`#[{attribute}]` goes on an `async fn`, not on a `{word}`"),
        };
        return Err(syn::Error::new(keyword.span(), message));
    }
    let signature: Signature = input.parse()?;
    if input.peek(syn::Token![;]) {
        let message = format!("a job needs a body: `#[{attribute}]` goes on a free `async fn`");
        return Err(input.error(message));
    }
    input.parse::<TokenStream>()?;
    Ok(Function { attrs, vis, signature })
}

/// Returns whether `fn` follows, after its qualifiers.
fn starts_function(input: ParseStream) -> bool {
    let ahead = input.fork();
    loop {
        if ahead.peek(syn::Token![fn]) {
            return true;
        }
        let qualifier = ahead.peek(syn::Token![const])
            || ahead.peek(syn::Token![async])
            || ahead.peek(syn::Token![unsafe])
            || ahead.peek(syn::Token![extern])
            || ahead.peek(syn::LitStr);
        if !qualifier || ahead.parse::<TokenTree>().is_err() {
            return false;
        }
    }
}

/// Returns whether this attribute of a parameter is for this crate alone, or is refused by it.
const REFUSED_THERE: &[&str] = &["cfg_attr", "doc", "serde"];

/// Returns the item without the attributes that the compiler would refuse: `#[job]` and doc
/// comments on parameters, and those attributes of the function that [`refuses`] names.
fn without_our_attributes(item: TokenStream, form: Form) -> TokenStream {
    let mut seen_fn = false;
    let mut seen_parameters = false;
    without_attributes(item, &|meta| form.strips(meta) || turns_synchronous(meta))
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(word) if word == "fn" => {
                seen_fn = true;
                word.into()
            }
            TokenTree::Group(group)
                if seen_fn && !seen_parameters && group.delimiter() == Delimiter::Parenthesis =>
            {
                seen_parameters = true;
                let inner = without_attributes(group.stream(), &|meta| {
                    is_job(meta) || REFUSED_THERE.iter().any(|name| meta.path().is_ident(name))
                });
                let mut stripped = Group::new(Delimiter::Parenthesis, inner);
                stripped.set_span(group.span());
                stripped.into()
            }
            other => other,
        })
        .collect()
}

/// Drops every unwanted `#[…]` at the top level of the tokens.
fn without_attributes(tokens: TokenStream, unwanted: &dyn Fn(&Meta) -> bool) -> TokenStream {
    let mut kept = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let attribute = match (&token, tokens.peek()) {
            (TokenTree::Punct(hash), Some(TokenTree::Group(group)))
                if hash.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
            {
                syn::parse2::<Meta>(group.stream()).ok()
            }
            _ => None,
        };
        if attribute.is_some_and(|meta| unwanted(&meta)) {
            tokens.next();
        } else {
            kept.push(token);
        }
    }
    kept.into_iter().collect()
}

/// Returns whether it is `#[tokio::main]`, `#[tokio::test]` or similar, which remove the `async`.
pub(crate) fn turns_synchronous(meta: &Meta) -> bool {
    let segments = &meta.path().segments;
    segments.len() > 1
        && segments.last().is_some_and(|last| last.ident == "main" || last.ident == "test")
}

/// Returns the name without `r#`.
pub(crate) fn plain(name: &Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}
