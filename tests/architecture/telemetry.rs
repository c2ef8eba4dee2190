//! Where events and spans are worded.

use crate::{room_of, source::code_only, sources};

const MACROS: [&str; 12] = [
    "trace!",
    "debug!",
    "info!",
    "warn!",
    "error!",
    "event!",
    "span!",
    "trace_span!",
    "debug_span!",
    "info_span!",
    "warn_span!",
    "error_span!",
];

#[test]
fn what_is_logged_is_worded_in_one_room() {
    for (path, text) in sources("simple-queue/src") {
        let room = room_of(&path);
        if room == "telemetry" {
            continue;
        }
        let code = code_only(&text);
        let found = MACROS.iter().find(|logs| {
            code.match_indices(*logs).any(|(at, _)| {
                let before = code[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
            })
        });
        assert!(
            found.is_none() && !code.contains("instrument(name"),
            "{} logs by `{}`; give the event a function in telemetry/{room}.rs, named after it, and call that",
            path.display(),
            found.unwrap_or(&"#[instrument]")
        );
    }
}
