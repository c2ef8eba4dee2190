//! Keys under which only one live job may exist.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{canonical::canonical, write::to_json};

/// The key as it is stored: two kinds never share a key by chance.
pub(crate) fn namespaced(kind: &str, key: &str) -> String {
    format!("{kind}:{key}")
}

/// A key made of stored arguments, for `unique` without a template: the SHA-256 of their JSON, whose objects
/// are put in the order of their names.
///
/// Arguments that are equal have the same key, on every machine and in every release, and nobody can choose
/// arguments that have the key of others. `None` for what cannot be written.
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
