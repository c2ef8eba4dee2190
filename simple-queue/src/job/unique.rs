//! Unique keys: only one live job may have a key.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{canonical::canonical, write::to_json};

/// Returns the stored key. It begins with the kind, so two kinds never share a key by chance.
pub(crate) fn namespaced(kind: &str, key: &str) -> String {
    format!("{kind}:{key}")
}

/// Returns a key made of stored arguments, for `unique` without a template: the SHA-256 of their
/// canonical JSON.
///
/// Equal arguments have the same key on every machine and in every release, and arguments cannot be
/// chosen to collide with others. `None` for a value that cannot be written.
pub(crate) fn of_arguments(arguments: &(impl Serialize + ?Sized)) -> Option<String> {
    let json = to_json(arguments).ok()?;
    let hash = Sha256::digest(canonical(&json).as_bytes());
    let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    Some(digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_arguments_is_the_published_hash_of_their_json() {
        // The expected value is that of `printf '"a"' | sha256sum`.
        let expected = "ac8d8342bbb2362d13f0a559a3621bb407011368895164b628a54f7fc33fc43c";
        assert_eq!(of_arguments("a").unwrap(), expected);
        assert_ne!(of_arguments(&("a", 1)), of_arguments(&("a", 2)));
        assert_eq!(of_arguments(&f64::NAN), None);
    }
}
