//! Names and values of a query or a form, and paths.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The pairs of a query or a form, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value of this name that is not empty, without space around it.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let values = self.0.iter().filter(|(it, _)| it == name).map(|(_, value)| value.trim());
        values.into_iter().find(|value| !value.is_empty())
    }

    /// The first value of this name as it was sent.
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        self.0.iter().filter(move |(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

/// What may stand in a part of a path as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A name as a part of a path.
pub(crate) fn encode(part: &str) -> String {
    utf8_percent_encode(part, PLAIN).to_string()
}

/// The parts of a path; `None` if one of them is not UTF-8.
pub(super) fn parts_of(path: &str) -> Option<Vec<String>> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.map(|part| Some(percent_decode_str(part).decode_utf8().ok()?.into_owned())).collect()
}

/// A path with a query of these pairs; those without a value are left out.
pub(crate) fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    match query.finish().as_str() {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_back_from_a_path_and_a_query() {
        for name in ["emails", "key:a/b#c d", "ü?&=%", "..", "<img>"] {
            let path = format!("/limits/{}/x", encode(name));
            assert_eq!(parts_of(&path).unwrap(), ["limits", name, "x"]);
            let link = with_query("/jobs", &[("q", name), ("after", "")]);
            let (_, query) = link.split_once('?').unwrap();
            assert_eq!(Params::parse(query.as_bytes()).get("q"), Some(name));
        }
        assert_eq!(with_query("/jobs", &[("q", "")]), "/jobs");
        assert_eq!(parts_of("/a/%ff"), None);
    }

    #[test]
    fn the_first_value_that_says_something_counts() {
        let params = Params::parse(b"id=1&id=2&kind=&kind=+mail+&all=");
        assert_eq!(params.get("kind"), Some("mail"));
        assert_eq!(params.raw("kind"), Some(""));
        assert_eq!(params.all("id").collect::<Vec<_>>(), ["1", "2"]);
        assert!(!params.has("all"));
    }
}
