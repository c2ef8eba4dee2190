//! What a type looks like, as far as its tokens tell.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Type;

use super::shown::shown;

/// The type without parentheses and the invisible groups that macros leave.
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

/// What has to be stored in place of a `&str` or a slice, which are never anyone's state.
pub(crate) struct Owned {
    pub(crate) ty: Type,
    /// As the user would write it.
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

/// Whether a word stands anywhere in the type.
pub(crate) fn mentions(ty: &Type, word: &str) -> bool {
    first_word(ty.to_token_stream(), &|found| found == word).is_some()
}

/// The first word in a type that names a collection whose values are written in no order of their own. Maps are
/// no such collections: the members of an object are put in order.
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

/// The first `&` or lifetime in a type. `'static` alone borrows from nobody: `Cow<'static, str>`.
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
