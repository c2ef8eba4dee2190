//! The length of the cases.

use std::env;

/// Whether the suite runs in its full form.
pub(crate) fn full() -> bool {
    env::var("SIMPLE_QUEUE_FAULTS").is_ok_and(|length| match length.as_str() {
        "full" => true,
        other => panic!("SIMPLE_QUEUE_FAULTS is `{other}`; the only value it knows is `full`"),
    })
}

/// How often a fault happens, in the short form and in the full one.
pub(crate) fn rounds(short: usize, in_full: usize) -> usize {
    if full() { in_full } else { short }
}
