//! Properties of a type that its tokens show.

use std::collections::VecDeque;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt, quote};
use syn::{GenericArgument, PathArguments, Type};

use super::shown::shown;

/// The type without parentheses and the invisible groups of macros.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        other => other,
    }
}

pub(crate) fn is_context(ty: &Type) -> bool {
    ends_with(ty, "JobContext")
}

pub(crate) fn is_transaction(ty: &Type) -> bool {
    ends_with(ty, "JobTx")
}

fn ends_with(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path)
        if path.path.segments.last().is_some_and(|last| last.ident == name))
}

/// The stored type in place of a `&str` or a slice, which are never part of a state.
pub(crate) struct Owned {
    pub(crate) ty: Type,
    /// The type as the user would write it.
    pub(crate) shown: String,
}

impl Owned {
    pub(crate) fn of(borrowed: &Type) -> Option<Self> {
        match borrowed {
            Type::Path(path) if path.path.is_ident("str") => Some(Self {
                ty: syn::parse_quote!(::std::string::String),
                shown: "String".to_owned(),
            }),
            Type::Slice(slice) => {
                let elem = &slice.elem;
                Some(Self {
                    ty: syn::parse_quote!(::std::vec::Vec<#elem>),
                    shown: format!("Vec<{}>", shown(elem)),
                })
            }
            _ => None,
        }
    }
}

/// Returns whether a word occurs in the type.
pub(crate) fn mentions(ty: &Type, word: &str) -> bool {
    first_word(ty.to_token_stream(), &|found| found == word).is_some()
}

/// Returns the first word in a type that names a collection without a fixed order. Maps are not
/// such collections: the members of an object are sorted.
pub(crate) fn unordered(ty: &Type) -> Option<String> {
    let names = ["HashSet", "DashSet", "IndexSet", "BinaryHeap"];
    first_word(ty.to_token_stream(), &|word| names.iter().any(|name| word.ends_with(name)))
}

fn first_word(tokens: TokenStream, is_it: &dyn Fn(&str) -> bool) -> Option<String> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) => Some(ident.to_string()).filter(|word| is_it(word)),
        TokenTree::Group(group) => first_word(group.stream(), is_it),
        _ => None,
    })
}

/// Returns the first `&` or lifetime in a type. `'static` alone borrows nothing: `Cow<'static,
/// str>`.
pub(crate) fn first_borrow(tokens: TokenStream) -> Option<TokenStream> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '&' => {
                let next = tokens.next();
                return Some(quote!(#punct #next));
            }
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                let name = tokens.next();
                let is_static = matches!(&name, Some(TokenTree::Ident(name)) if name == "static");
                if !is_static {
                    return Some(quote!(#punct #name));
                }
            }
            TokenTree::Group(group) => {
                if let Some(found) = first_borrow(group.stream()) {
                    return Some(found);
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns the `T` of an `Option<&T>`, as it is written.
pub(crate) fn optional_reference(ty: &Type) -> Option<String> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(Type::Reference(reference))
            if Owned::of(&reference.elem).is_none() =>
        {
            Some(shown(&reference.elem))
        }
        _ => None,
    }
}

/// Returns the tokens of a type with owned types in place of borrowed ones: `Vec<String>` for a
/// `Vec<&str>`.
pub(crate) fn owned(ty: impl ToTokens) -> TokenStream {
    let mut tokens: VecDeque<TokenTree> = ty.to_token_stream().into_iter().collect();
    let mut owned = TokenStream::new();
    while let Some(token) = tokens.pop_front() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '&' => {
                skip_lifetime(&mut tokens);
                if matches!(tokens.front(), Some(TokenTree::Ident(word)) if word == "mut") {
                    tokens.pop_front();
                }
                let rest = std::mem::take(&mut tokens);
                let mut rest = referent(rest.into_iter().collect());
                owned.append_all(rest.next());
                tokens.extend(rest);
            }
            TokenTree::Ident(word) if word == "Cow" => match cow(&mut tokens) {
                Some(inner) => {
                    owned.append_all(self::owned(referent(inner).collect::<TokenStream>()));
                }
                None => owned.append(word),
            },
            TokenTree::Group(group) => {
                owned.append(Group::new(group.delimiter(), self::owned(group.stream())));
            }
            token => owned.append(token),
        }
    }
    owned
}

/// Returns the tokens behind a `&`; the first is made an owned type.
fn referent(tokens: Vec<TokenTree>) -> impl Iterator<Item = TokenTree> {
    let mut tokens = tokens.into_iter();
    let first = match tokens.next() {
        Some(TokenTree::Ident(word)) if word == "str" => quote!(String),
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
            let elem = owned(group.stream());
            quote!(Vec<#elem>)
        }
        first => first.into_iter().collect(),
    };
    first.into_iter().chain(tokens)
}

/// Returns the `T` of a `Cow<'a, T>`, whose name has been read.
fn cow(tokens: &mut VecDeque<TokenTree>) -> Option<Vec<TokenTree>> {
    let is = |token: &TokenTree, wanted: char| matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted);
    let mut open = 0_usize;
    let end = tokens.iter().position(|token| {
        open += usize::from(is(token, '<'));
        open = open.saturating_sub(usize::from(is(token, '>')));
        open == 0
    })?;
    let comma = tokens.iter().position(|token| is(token, ',')).filter(|comma| *comma < end)?;
    let within = tokens.drain(..=end).collect::<Vec<_>>();
    Some(within[comma + 1..end].to_vec())
}

fn skip_lifetime(tokens: &mut VecDeque<TokenTree>) {
    if matches!(tokens.front(), Some(TokenTree::Punct(punct)) if punct.as_char() == '\'') {
        tokens.drain(..2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_borrowed_has_a_form_that_owns() {
        for (borrowed, expected) in [
            ("Vec<&str>", "Vec<String>"),
            ("Option<&'a mut User>", "Option<User>"),
            ("Cow<'_, str>", "String"),
            (
                "std::collections::HashMap<&'a str, (&[u8], Cow<'a, [u8]>)>",
                "std::collections::HashMap<String, (Vec<u8>, Vec<u8>)>",
            ),
            ("[&str; 2]", "[String; 2]"),
            ("Borrowed<'a, u8>", "Borrowed<'a, u8>"),
            ("Vec<Cow<'a, Vec<Option<&str>>>>", "Vec<Vec<Option<String>>>"),
        ] {
            let ty: Type = syn::parse_str(borrowed).unwrap();
            assert_eq!(shown(owned(&ty)), expected);
        }
        let option: Type = syn::parse_str("Option<&mail::Mailer>").unwrap();
        assert_eq!(optional_reference(&option).unwrap(), "mail::Mailer");
        let text: Type = syn::parse_str("Option<&str>").unwrap();
        assert_eq!(optional_reference(&text), None);
    }
}
