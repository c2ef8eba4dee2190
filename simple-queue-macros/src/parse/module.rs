//! The module below `#[job_defaults]`. Only its head is parsed; the compiler parses the body.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote;

use crate::errors::Errors;

/// An inline module.
pub(crate) struct Module {
    /// Its attributes, its visibility and its name.
    pub(crate) head: TokenStream,
    pub(crate) body: Group,
}

pub(crate) fn parse(item: TokenStream, errors: &mut Errors) -> Option<Module> {
    let tokens: Vec<TokenTree> = item.into_iter().collect();
    match &*tokens {
        [head @ .., TokenTree::Group(body)] if is_module(head) && is_body(body) => {
            let head = head.iter().cloned().collect();
            return Some(Module { head, body: body.clone() });
        }
        [head @ .., TokenTree::Punct(_)] if is_module(head) => {
            let named: TokenStream = head[head.len() - 2..].iter().cloned().collect();
            let message = "`#[job_defaults]` needs the body of the module, `mod mails { .. }`: \
                           it does not see into another file\
                           \n\nhelp: a `const MAILS: JobTemplate` serves a whole crate, \
                           `#[job(template = MAILS)]`";
            errors.on(quote!(#named), message);
        }
        _ => {
            let message =
                "`#[job_defaults]` goes on a module that has jobs in it, `mod mails { .. }`";
            errors.at(Span::call_site(), message);
        }
    }
    None
}

/// Returns whether the tokens end in `mod name`.
pub(crate) fn is_module(tokens: &[TokenTree]) -> bool {
    matches!(tokens, [.., TokenTree::Ident(word), TokenTree::Ident(_)] if word == "mod")
}

pub(crate) fn is_body(group: &Group) -> bool {
    group.delimiter() == Delimiter::Brace
}
