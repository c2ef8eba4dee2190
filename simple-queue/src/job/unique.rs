//! Keys under which only one live job may exist.

use serde::Serialize;

/// The key as it is stored: two kinds never share a key by chance.
pub(crate) fn namespaced(kind: &str, key: &str) -> String {
    format!("{kind}:{key}")
}

/// A key made of all stored arguments, for `unique` without a template.
///
/// FNV-1a in 128 bits over the JSON text: stable across releases and machines, which the standard
/// library's hasher does not promise. A collision of two keys would take some 10^19 live jobs.
/// <http://www.isthe.com/chongo/tech/comp/fnv/>
pub(crate) fn of_arguments(payload: &impl Serialize) -> Result<String, serde_json::Error> {
    const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let text = serde_json::to_vec(payload)?;
    let hash =
        text.iter().fold(OFFSET_BASIS, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME));
    Ok(format!("{hash:032x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_all_arguments_is_the_published_hash_of_their_json() {
        // The expected value was computed by an independent implementation over the bytes `"a"`.
        assert_eq!(of_arguments(&"a").unwrap(), "a68c4db0ee8b5822836dbc790667a42a");
        assert_ne!(of_arguments(&("a", 1)).unwrap(), of_arguments(&("a", 2)).unwrap());
    }
}
