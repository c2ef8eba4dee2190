//! Templates of keys: text with `{argument}` or `{argument.field}`.

use std::ops::Range;

use proc_macro2::Span;
use syn::{Ident, Index, LitStr, Member};

use super::params::{Known, Role};
use super::values::place_within;
use crate::errors::Errors;
use crate::model::Piece;
use crate::parse::list::in_a_row;
use crate::suggest::did_you_mean;

/// The pieces, and whether they contain an argument, also a refused one.
pub(crate) fn key(
    literal: &LitStr,
    known: &[Known],
    errors: &mut Errors,
) -> Option<(Vec<Piece>, bool)> {
    let mut pieces = Vec::new();
    let mut names_argument = false;
    let before = errors.count();
    match split(&literal.value()) {
        Err(Wrong { message, place }) => errors.at(place_within(literal, place), message),
        Ok(parts) => {
            for part in parts {
                match part {
                    Part::Text(text) => pieces.push(Piece::Text(text)),
                    Part::Hole(text, place) => {
                        names_argument = true;
                        let place = place_within(literal, place);
                        pieces.extend(field(&text, place, known, errors));
                    }
                }
            }
        }
    }
    (errors.count() == before).then_some((pieces, names_argument))
}

/// The argument and the fields that a placeholder names.
fn field(text: &str, place: Span, known: &[Known], errors: &mut Errors) -> Option<Piece> {
    let mut names = text.split('.');
    let argument = names.next().unwrap_or_default();
    if let Some((_, format)) = text.split_once(':') {
        let message = format!("a key has no format options; leave `:{format}` out");
        errors.at(place, message);
        return None;
    }
    let argument = stored_index(argument, place, known, errors)?;
    let mut path = Vec::new();
    for name in names {
        let Some(member) = member(name, place) else {
            errors.at(place, format!("`{name}` in `{{{text}}}` is not the name of a field"));
            return None;
        };
        path.push(member);
    }
    Some(Piece::Field { argument, path, place })
}

/// Returns the number of the argument among the stored ones; only those can be part of a key. A
/// refused argument is skipped: it was reported.
pub(crate) fn stored_index(
    argument: &str,
    place: Span,
    known: &[Known],
    errors: &mut Errors,
) -> Option<usize> {
    let names = || known.iter().filter(|known| known.role == Role::Stored).map(|k| &*k.name);
    match known.iter().find(|known| known.name == argument).map(|known| &known.role) {
        Some(Role::Stored) => return names().position(|name| name == argument),
        Some(Role::Refused) => {}
        Some(Role::Injected(ty)) => {
            let message = format!(
                "`{argument}` is the worker's state (`{ty}`), not stored with the job; \
                 only arguments taken by value can make a key"
            );
            errors.at(place, message);
        }
        None => {
            let suggestion = did_you_mean(argument, names(), '`');
            let note = match names().next() {
                None => "this job stores no arguments".to_owned(),
                Some(_) => format!("the stored arguments are {}", in_a_row(names())),
            };
            errors.at(place, format!("no argument named `{argument}`{suggestion}\n\nnote: {note}"));
        }
    }
    None
}

fn member(name: &str, place: Span) -> Option<Member> {
    if let Ok(index) = name.parse::<u32>() {
        return Some(Member::Unnamed(Index { index, span: place }));
    }
    let ident = syn::parse_str::<Ident>(name)
        .or_else(|_| syn::parse_str::<Ident>(&format!("r#{name}")))
        .ok();
    ident.map(|mut ident| {
        ident.set_span(place);
        Member::Named(ident)
    })
}

/// A part of a template; a placeholder has its place in the text.
#[derive(Debug, PartialEq)]
enum Part {
    Text(String),
    Hole(String, Range<usize>),
}

#[derive(Debug, PartialEq)]
struct Wrong {
    message: String,
    place: Range<usize>,
}

fn split(template: &str) -> Result<Vec<Part>, Wrong> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(c) = rest.chars().next() {
        let at = template.len() - rest.len();
        if rest.starts_with("{{") || rest.starts_with("}}") {
            text.push(c);
            rest = &rest[2..];
        } else if c == '}' {
            let message = "unmatched `}` in the key; write `}}` for a brace".to_owned();
            return Err(Wrong { message, place: at..at + 1 });
        } else if c == '{' {
            let hole = rest[1..].split_once(['{', '}']).map(|(hole, _)| hole);
            let Some(hole) = hole.filter(|hole| rest[1 + hole.len()..].starts_with('}')) else {
                let message = "unmatched `{` in the key; write `{{` for a brace".to_owned();
                return Err(Wrong { message, place: at..at + 1 });
            };
            let place = at..at + hole.len() + 2;
            if hole.is_empty() {
                let message = "name an argument between the braces, like `{user_id}`".to_owned();
                return Err(Wrong { message, place });
            }
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            rest = &rest[place.len()..];
            parts.push(Part::Hole(hole.to_owned(), place));
        } else {
            text.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_text_from_holes() {
        let parts = split("a{{b}}:{user.id}-{x}").unwrap();
        let hole = |text: &str, place| Part::Hole(text.to_owned(), place);
        let text = |text: &str| Part::Text(text.to_owned());
        assert_eq!(parts, [text("a{b}:"), hole("user.id", 7..16), text("-"), hole("x", 17..20)]);
    }

    #[test]
    fn points_at_braces_without_a_partner() {
        assert_eq!(split("a{b").unwrap_err().place, 1..2);
        assert_eq!(split("ab}").unwrap_err().place, 2..3);
        assert_eq!(split("a{b{c}").unwrap_err().place, 1..2);
        assert!(split("a{}").unwrap_err().message.contains("name an argument"));
    }
}
