//! Values that are left out of what operators see.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde_json::{Value, value::RawValue};

/// What stands in the place of a hidden value; `Debug` of a payload has the same.
pub(super) const MASK: &str = "\"…\"";

/// Which arguments are hidden beside those that are declared with `#[job(redact)]`.
#[derive(Clone, Default)]
pub(super) struct Hidden(Option<Arc<Hides>>);

/// Gets the kind and the name of the argument.
type Hides = dyn Fn(&str, &str) -> bool + Send + Sync;

impl Hidden {
    pub(super) fn by(hides: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hides)))
    }

    pub(super) fn hides(&self, kind: &str, argument: &str) -> bool {
        self.0.as_ref().is_some_and(|hides| hides(kind, argument))
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hidden").field(&self.0.as_ref().map(|_| "a function")).finish()
    }
}

/// The payload without the values of these arguments. Everything else stays as it is written, numbers too.
pub(super) fn masked(payload: String, is_hidden: impl Fn(&str) -> bool) -> String {
    let Ok(arguments) = serde_json::from_str::<BTreeMap<String, &RawValue>>(&payload) else {
        return payload;
    };
    if !arguments.keys().any(|name| is_hidden(name)) {
        return payload;
    }
    written(
        arguments
            .iter()
            .map(|(name, value)| (name.as_str(), if is_hidden(name) { MASK } else { value.get() })),
    )
}

/// The payload with the stored values of those hidden arguments that still have the mask.
pub(super) fn unmasked(payload: String, stored: &str, is_hidden: impl Fn(&str) -> bool) -> String {
    let read = |text| serde_json::from_str::<BTreeMap<String, &RawValue>>(text);
    let (Ok(arguments), Ok(stored)) = (read(&payload), read(stored)) else { return payload };
    let is_kept = |name: &str, value: &RawValue| {
        is_hidden(name) && value.get() == MASK && stored.contains_key(name)
    };
    if !arguments.iter().any(|(name, value)| is_kept(name, value)) {
        return payload;
    }
    written(arguments.iter().map(|(name, value)| {
        let value = if is_kept(name, value) { stored[name].get() } else { value.get() };
        (name.as_str(), value)
    }))
}

fn written<'a>(arguments: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let arguments = arguments.map(|(name, value)| format!("{}: {value}", Value::from(name)));
    format!("{{{}}}", arguments.collect::<Vec<_>>().join(", "))
}

/// The names of the arguments whose values differ.
pub(super) fn changed(stored: &str, new: &str) -> Vec<String> {
    let read = |text| serde_json::from_str::<BTreeMap<String, &RawValue>>(text);
    let (Ok(stored), Ok(new)) = (read(stored), read(new)) else {
        return vec!["payload".to_owned()];
    };
    let value = |text: &RawValue| serde_json::from_str::<Value>(text.get()).ok();
    let differs = |name: &&String| {
        stored.get(*name).and_then(|text| value(text))
            != new.get(*name).and_then(|text| value(text))
    };
    let mut names: Vec<String> = stored.keys().chain(new.keys()).filter(differs).cloned().collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hidden_values_are_left_out_and_numbers_stay_exact() {
        let stored = r#"{"iban": {"a": 1}, "n": 123456789012345678901234567890, "t": "\u00e9\""}"#;
        let shown = masked(stored.to_owned(), |name| name == "iban");
        assert_eq!(shown, r#"{"iban": "…", "n": 123456789012345678901234567890, "t": "\u00e9\""}"#);
        assert_eq!(masked(stored.to_owned(), |_| false), stored);
        assert_eq!(masked("[1]".to_owned(), |_| true), "[1]");
    }

    #[test]
    fn a_mask_that_comes_back_stands_for_the_stored_value() {
        let hidden = |name: &str| name == "iban";
        let stored = r#"{"iban": "SK31", "n": 1}"#;
        let edited = r#"{"iban": "…", "n": 2}"#.to_owned();
        assert_eq!(unmasked(edited, stored, hidden), r#"{"iban": "SK31", "n": 2}"#);
        let replaced = r#"{"iban": "AT48", "n": "…"}"#.to_owned();
        assert_eq!(unmasked(replaced.clone(), stored, hidden), replaced);
    }

    #[test]
    fn arguments_are_named_that_have_another_value() {
        let stored = r#"{"a": 1, "b": [1, 2], "c": 1.0}"#;
        assert_eq!(changed(stored, r#"{"c": 1.0, "b": [1,2], "d": 1, "a": 2}"#), ["a", "d"]);
        assert_eq!(changed(stored, r#"{"a": 1}"#), ["b", "c"]);
        assert_eq!(changed(stored, "7"), ["payload"]);
    }
}
