//! A field for each argument of a kind, and the payload that they make.

use maud::{Markup, html};
use serde_json::value::RawValue;
use simple_queue::{KindArgument, KindState};

use crate::{text, wire::Params};

/// What is typed for an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typed {
    Text,
    Number,
    Bool,
    /// Anything else.
    Json,
}

impl Typed {
    /// By the type as the declaration writes it; and whether there may be none.
    fn of(ty: &str) -> (Self, bool) {
        let ty: String = ty.chars().filter(|letter| !letter.is_whitespace()).collect();
        let last = |ty: &str| ty.rsplit("::").next().unwrap_or_default().to_owned();
        let inner = ty.strip_suffix('>').and_then(|ty| {
            let (outer, inner) = ty.split_once('<')?;
            (last(outer) == "Option").then(|| inner.to_owned())
        });
        let is_optional = inner.is_some();
        let typed = match last(inner.as_deref().unwrap_or(&ty)).as_str() {
            "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64"
            | "u128" | "usize" | "f32" | "f64" => Self::Number,
            "bool" => Self::Bool,
            "String" | "Uuid" | "NaiveDate" | "char" => Self::Text,
            _ => Self::Json,
        };
        (typed, is_optional)
    }
}

fn name_of(argument: &KindArgument) -> String {
    format!("arg.{}", argument.name)
}

/// A field for each argument, with what was typed before.
pub(crate) fn fields(kind: &KindState, typed: &Params) -> Markup {
    html! {
        @for argument in &kind.arguments {
            @let name = name_of(argument);
            @let (ty, is_optional) = Typed::of(&argument.ty);
            @let value = typed.raw(&name).unwrap_or_default();
            @let is_needed = !is_optional && !argument.has_default && ty != Typed::Text;
            label.field {
                span { (argument.name) " " small.mono { (argument.ty) } }
                @match ty {
                    Typed::Json => textarea name=(name) required[is_needed] spellcheck="false" placeholder=(text::AS_JSON) { (value) },
                    Typed::Bool => select name=(name) {
                        @if !is_needed { option value="" { (text::NOT_GIVEN) } }
                        @for choice in ["true", "false"] {
                            option value=(choice) selected[choice == value] { (choice) }
                        }
                    },
                    Typed::Number => input name=(name) value=(value) required[is_needed] inputmode="decimal" autocomplete="off";,
                    Typed::Text => input name=(name) value=(value) autocomplete="off";,
                }
                @if argument.has_default { small { (text::HAS_DEFAULT) } }
            }
        }
    }
}

/// The payload of what was typed; an error says which field it is about.
pub(crate) fn payload_of(kind: &KindState, typed: &Params) -> Result<Box<RawValue>, String> {
    let mut members = Vec::new();
    for argument in &kind.arguments {
        let (ty, is_optional) = Typed::of(&argument.ty);
        let value = typed.raw(&name_of(argument)).unwrap_or_default();
        let value = if ty == Typed::Text { value } else { value.trim() };
        let written = match ty {
            _ if value.is_empty() && argument.has_default => continue,
            _ if value.is_empty() && is_optional => "null".to_owned(),
            Typed::Text => quoted(value),
            _ => value.to_owned(),
        };
        if serde_json::from_str::<&RawValue>(&written).is_err() {
            return Err(text::no_json(&argument.name, &argument.ty));
        }
        members.push(format!("{}:{written}", quoted(&argument.name)));
    }
    RawValue::from_string(format!("{{{}}}", members.join(","))).map_err(|error| error.to_string())
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_an_argument_says_what_is_typed() {
        for (ty, typed) in [
            ("i64", (Typed::Number, false)),
            ("Option < u8 >", (Typed::Number, true)),
            ("std::option::Option<String>", (Typed::Text, true)),
            ("uuid::Uuid", (Typed::Text, false)),
            ("bool", (Typed::Bool, false)),
            ("Vec<String>", (Typed::Json, false)),
            ("Address", (Typed::Json, false)),
        ] {
            assert_eq!(Typed::of(ty), typed, "{ty}");
        }
    }
}
