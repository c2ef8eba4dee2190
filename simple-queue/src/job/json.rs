//! Checks JSON: the database must be able to store it and a worker to read it back.

use super::MAX_PAYLOAD_BYTES;

/// Returns why this JSON text cannot be stored, if it cannot.
pub(crate) fn problem_of_json(json: &str) -> Option<String> {
    if json.len() > MAX_PAYLOAD_BYTES {
        return Some(format!(
            "it has {} bytes, the limit is {MAX_PAYLOAD_BYTES}; store large data elsewhere and enqueue its key",
            json.len()
        ));
    }
    let Scan { deepest, nuls } = scan(json);
    if deepest > MAX_DEPTH {
        return Some(format!(
            "it is nested {deepest} levels deep, the limit for reading it back is {MAX_DEPTH}"
        ));
    }
    (!nuls.is_empty()).then(|| {
        "it holds a NUL character (\\u0000), which Postgres cannot store in a jsonb".to_owned()
    })
}

/// Returns the same JSON with another character in place of each NUL.
pub(crate) fn without_nuls(mut json: String) -> String {
    for at in scan(&json).nuls {
        json.replace_range(at..at + NUL.len(), "\\ufffd");
    }
    json
}

/// 127 levels, the depth to which `serde_json` reads; a stack limit of its own.
pub(super) const MAX_DEPTH: usize = 127;

/// A NUL in a string of a JSON text.
const NUL: &str = "\\u0000";

struct Scan {
    /// How deep the text is nested.
    deepest: usize,
    /// Byte offsets of the NULs in its strings.
    nuls: Vec<usize>,
}

fn scan(json: &str) -> Scan {
    let (mut depth, mut in_string) = (0_usize, false);
    let mut scan = Scan { deepest: 0, nuls: Vec::new() };
    let mut bytes = json.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match (in_string, byte) {
            (_, b'"') => in_string = !in_string,
            (true, b'\\') => {
                if json.as_bytes()[at..].starts_with(NUL.as_bytes()) {
                    scan.nuls.push(at);
                }
                bytes.next();
            }
            (false, b'[' | b'{') => {
                depth += 1;
                scan.deepest = std::cmp::max(scan.deepest, depth);
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    scan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_before_the_escape_is_told_from_the_escape() {
        assert_eq!(scan(r#""\\u0000""#).nuls, [0_usize; 0]);
        assert_eq!(scan(r#""\\\u0000""#).nuls, [3]);
        assert_eq!(scan(r#"{"a":["[{\"["]}"#).deepest, 2);
    }

    #[test]
    fn every_nul_is_replaced_and_nothing_else() {
        let json = serde_json::json!({"a\0": ["\0\0", "\\u0000"]}).to_string();
        let read: serde_json::Value = serde_json::from_str(&without_nuls(json)).unwrap();
        assert_eq!(read, serde_json::json!({"a\u{fffd}": ["\u{fffd}\u{fffd}", "\\u0000"]}));
    }
}
