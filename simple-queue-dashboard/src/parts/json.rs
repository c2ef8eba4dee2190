//! JSON that folds, with its numbers as they are written.

use std::fmt;

use maud::{Markup, html};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::text;

/// 64 kB of a text are shown.
const LONGEST: usize = 64 * 1024;

/// 12 levels fold; deeper ones are shown as text.
const DEEPEST: usize = 12;

/// 200 members of an object or an array are shown.
const MOST: usize = 200;

/// An object in the order in which it is written.
struct Members<'j>(Vec<(String, &'j RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// The text as a tree; as it is, if it is no JSON.
pub(crate) fn tree(json: &str) -> Markup {
    html! {
        div.tree {
            @if json.len() > LONGEST {
                pre { (json.get(..json.floor_char_boundary(LONGEST)).unwrap_or_default()) "…" }
            } @else if let Ok(value) = serde_json::from_str::<&RawValue>(json) {
                (node(None, value.get(), 0))
            } @else {
                pre { (json) }
            }
        }
    }
}

fn node(name: Option<&str>, value: &str, depth: usize) -> Markup {
    let value = value.trim();
    let parts: Option<Vec<(Option<String>, &str)>> = match value.as_bytes().first() {
        _ if depth >= DEEPEST => None,
        Some(b'{') => serde_json::from_str(value).ok().map(|Members(members)| {
            members.into_iter().map(|(name, value)| (Some(name), value.get())).collect()
        }),
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(value)
            .ok()
            .map(|items| items.into_iter().map(|value| (None, value.get())).collect()),
        _ => None,
    };
    let Some(parts) = parts.filter(|parts| !parts.is_empty()) else {
        return html! { div { (label(name)) (leaf(value)) } };
    };
    let is_list = value.starts_with('[');
    html! {
        details open[depth < 2] {
            summary { (label(name)) span.soft { (text::members(parts.len(), is_list)) } }
            ul {
                @for (name, value) in parts.iter().take(MOST) {
                    li { (node(name.as_deref(), value, depth + 1)) }
                }
                @if parts.len() > MOST { li.soft { (text::more(parts.len() - MOST)) } }
            }
        }
    }
}

fn label(name: Option<&str>) -> Markup {
    html! { @if let Some(name) = name { span.k { (name) } ": " } }
}

fn leaf(value: &str) -> Markup {
    match serde_json::from_str::<String>(value) {
        Ok(hidden) if hidden == "…" => html! { span.mask title=(text::HIDDEN) { "•••" } },
        Ok(string) => html! { span.s { "\"" (string) "\"" } },
        Err(_) => html! { span.v { (value) } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_as_they_are_written_and_names_in_their_order() {
        let shown =
            tree(r#"{"z": 12345678901234567890123, "a": [1.0, "<b>"], "e": {}, "iban": "…"}"#);
        let shown = shown.into_string();
        assert!(shown.contains("12345678901234567890123") && shown.contains("1.0"));
        assert!(shown.find(">z<").unwrap() < shown.find(">a<").unwrap());
        assert!(shown.contains("&lt;b&gt;") && !shown.contains("<b>"));
        assert!(shown.contains("•••") && shown.contains("{}"));
        assert!(tree("no { json").into_string().contains("no { json"));
        let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
        assert!(tree(&deep).into_string().len() < 5000);
    }
}
