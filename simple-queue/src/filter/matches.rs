//! A condition on a value inside a payload or inside metadata.

use serde_json::Value;

/// The value at a path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Match {
    /// The keys, from the outermost on.
    pub(crate) path: Vec<String>,
    pub(crate) value: Wanted,
}

/// A value that is looked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wanted {
    Exact(Value),
    /// As it is typed: the text, or the number, `true`, `false` or `null` that it reads as.
    Word(String),
}

impl Match {
    pub(super) fn exact(path: &str, value: Value) -> Self {
        Self { path: path_of(path), value: Wanted::Exact(value) }
    }

    pub(super) fn word(path: &str, word: String) -> Self {
        Self { path: path_of(path), value: Wanted::Word(plain(word)) }
    }

    /// The values of which one has to be there.
    pub(crate) fn values(&self) -> Vec<Value> {
        match &self.value {
            Wanted::Exact(value) => vec![value.clone()],
            Wanted::Word(word) => {
                let literal = serde_json::from_str::<Value>(word).ok();
                let literal = literal.filter(|value| !value.is_object() && !value.is_array());
                let literal = literal.filter(|value| !value.is_string());
                [Some(Value::String(word.clone())), literal].into_iter().flatten().collect()
            }
        }
    }
}

/// The keys of a JSON pointer; a path that does not begin with a slash is one key.
fn path_of(path: &str) -> Vec<String> {
    let key = |key: &str| plain(key.replace("~1", "/").replace("~0", "~"));
    match path.strip_prefix('/') {
        Some(pointer) => pointer.split('/').map(key).collect(),
        None => vec![plain(path.to_owned())],
    }
}

/// A text without NUL characters, which no stored text has.
pub(super) fn plain(text: impl Into<String>) -> String {
    let text = text.into();
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}
