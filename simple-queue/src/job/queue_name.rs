//! The rule for names of queues; the same for declarations, calls, settings and the functions in
//! the database.

use super::MAX_QUEUE_NAME_BYTES;

/// The rule, as every message quotes it.
pub(crate) const QUEUE_NAMES: &str =
    "queue names may only use a-z, 0-9, `_`, `-` and `.` (1 to 63 characters)";

/// Returns what is wrong with a queue's name, if anything.
pub(crate) const fn problem_of_queue_name(name: &str) -> Option<&'static str> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > MAX_QUEUE_NAME_BYTES {
        return Some(QUEUE_NAMES);
    }
    let mut at = 0;
    while at < bytes.len() {
        if !matches!(bytes[at], b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.') {
            return Some(QUEUE_NAMES);
        }
        at += 1;
    }
    None
}

/// Checks a queue's name in a constant.
///
/// # Panics
/// When the name is empty, too long or has other characters than the ones allowed.
pub const fn assert_queue_name(name: &str) {
    if let Some(problem) = problem_of_queue_name(name) {
        panic!("{}", problem);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that the tests of the macros, the calls and the database functions share.
    const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/queue_names.txt");

    #[test]
    fn every_name_of_the_table_is_taken_or_refused_as_it_says() {
        let table = std::fs::read_to_string(TABLE).unwrap();
        let cases = table.lines().filter(|line| !line.starts_with('#'));
        for (verdict, name) in cases.map(|line| line.split_once(' ').unwrap()) {
            let name: String = serde_json::from_str(name).unwrap();
            let problem = problem_of_queue_name(&name);
            assert_eq!(problem.is_none(), verdict == "good", "{name:?}: {problem:?}");
        }
    }

    #[test]
    #[should_panic(expected = "queue names may only use")]
    fn a_constant_with_a_space_is_refused() {
        assert_queue_name("my queue");
    }
}
