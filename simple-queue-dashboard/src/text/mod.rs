//! All that the interface says, in English: the words, and sentences with numbers and names in them.

mod words;

use simple_queue::{Count, Right};

pub(crate) use words::*;

/// What to write for a dashboard that is closed.
pub(crate) const CLOSED_LINES: &str = "Dashboard::new(queue)\n    .gate(async |request| Admit::visitor(name_of(&request), Rights::ALL))";
pub(crate) const CLOSED_OPEN: &str = "Dashboard::new(queue).open()";

/// Keys and what they do.
pub(crate) const KEY_WORDS: &[(&str, &str)] = &[
    ("j", "jobs"),
    ("q", "queues"),
    ("k", "kinds"),
    ("d", "dead letters"),
    ("c", "schedules"),
    ("l", "limits"),
    ("w", "workers"),
    ("o", "actions"),
    ("h", "doctor"),
    ("n", "new job"),
    ("/", "search"),
    ("↑ ↓", "one row up, one row down; Enter opens it"),
    ("x", "pick the row; with Shift and a click, all rows between"),
    ("a", "pick all on the page"),
    ("p", "pause the queue or the kind of the page"),
    ("r", "refresh the page by itself, or not"),
    ("u", "times in UTC, or of this browser"),
    ("t", "light or dark"),
    ("?", "this list"),
];

/// Terms that are suggested.
pub(crate) const SEARCH_TERMS: &[&str] = &[
    "state:dead",
    "state:live",
    "created:-1h..",
    "finished:-1d..",
    "attempts:3..",
    "priority:..0",
    "error:",
    "args.",
    "tag:",
    "key:",
    "id:",
];

/// Minutes for which something is paused.
pub(crate) const PAUSE_TIMES: &[(&str, &str)] = &[
    ("0", "until it is resumed"),
    ("15", "15 minutes"),
    ("60", "1 hour"),
    ("240", "4 hours"),
    ("1440", "1 day"),
];

/// Spans of time.
pub(crate) const RANGES: &[(&str, &str)] =
    &[("1h", "1 h"), ("24h", "24 h"), ("7d", "7 d"), ("30d", "30 d")];

/// What an act did; the word is in the address of the page after it.
pub(crate) fn said(word: &str) -> Option<&'static str> {
    Some(match word {
        "retried" => "The job is due again, with all its attempts.",
        "due" => "The job is due now.",
        "cancelled" => "The job is cancelled, or its handler is told.",
        "deleted" => "The job is deleted.",
        "enqueued" => "This job was enqueued.",
        "changed" => "The job is changed.",
        "begun" => "It has begun; this page shows how far it is.",
        "stopped" => "It stops after its present thousand jobs.",
        "paused" => "Paused: no more of its jobs start.",
        "paused-unknown" => "Paused; nothing is known of it yet. Is the name right?",
        "resumed" => "Resumed: its jobs start again.",
        "not-paused" => "It was not paused.",
        "not-there" => "There was nothing to do.",
        "reset" => "It is as the code declares it.",
        "set" => "Set, until it is reset.",
        "removed" => "The schedule is removed.",
        "skipped" => "The sequence goes on past the dead job.",
        _ => return None,
    })
}

/// An act as a heading.
pub(crate) fn action(word: &str) -> &str {
    match word {
        "retry" => "Retry",
        "cancel" => "Cancel",
        "delete" => "Delete",
        "move" => "Move",
        "edit" => "Edit",
        "run_again" => "Run again",
        "enqueue" => "Enqueue",
        "pause" => "Pause",
        "resume" => "Resume",
        "set" => "Set",
        "reset" => "Reset",
        "charge" => "Charge",
        "skip" => "Skip",
        "run_now" => "Run now",
        "remove" => "Remove",
        other => other,
    }
}

/// The question before an act on many.
pub(crate) fn asks(verb: &str, count: &str, dead: Option<Count>) -> String {
    match (count, dead) {
        (count, Some(dead)) => format!("{verb}: {count} that wait, {dead} dead?"),
        ("1", None) => format!("{verb} this job?"),
        (count, None) => format!("{verb} {count} jobs?"),
    }
}

pub(crate) fn may_not(right: Right) -> String {
    format!("You may not {right}.")
}

pub(crate) fn no_such_job(id: &str) -> String {
    format!("There is no job {id}: it was never enqueued, or its history was deleted.")
}

pub(crate) fn no_such_queue(name: &str) -> String {
    format!("There is no queue `{name}`: no job waits in it, no worker serves it.")
}

pub(crate) fn no_such_kind(name: &str) -> String {
    format!("There is no kind `{name}`: no worker has declared it.")
}

pub(crate) fn no_such_limit(name: &str) -> String {
    format!("There is no limit `{name}`: no worker has declared it.")
}

pub(crate) fn not_readable(field: &str, typed: &str) -> String {
    format!("`{typed}` cannot be read as the field `{field}`.")
}

pub(crate) fn bad_json(problem: &str) -> String {
    format!("The arguments are no JSON: {problem}.")
}

pub(crate) fn no_json(name: &str, ty: &str) -> String {
    format!("`{name}` is no JSON of a `{ty}`; a text stands in quotes.")
}

pub(crate) fn after(time: &str) -> String {
    format!("after {time}")
}

pub(crate) fn attempt_failed(attempt: i64) -> String {
    format!("attempt {attempt} failed")
}

pub(crate) fn attempt_runs(attempt: i32) -> String {
    format!("attempt {attempt} runs")
}

pub(crate) fn next_attempt(attempt: i32) -> String {
    format!("attempt {attempt} is due")
}

pub(crate) fn on_host(host: &str, pid: i32) -> String {
    format!("on {host}, process {pid}")
}

pub(crate) fn suspect(crashes: i32) -> String {
    format!("It has killed {crashes} processes, so it runs alone, when no other such job runs.")
}

pub(crate) fn bytes(count: &str) -> String {
    format!("{count} bytes")
}

pub(crate) fn version(version: i32) -> String {
    format!("version {version}")
}

pub(crate) fn members(count: usize, is_list: bool) -> String {
    match (count, is_list) {
        (1, true) => "[1 item]".to_owned(),
        (_, true) => format!("[{count} items]"),
        (1, false) => "{1 member}".to_owned(),
        (_, false) => format!("{{{count} members}}"),
    }
}

pub(crate) fn more(count: usize) -> String {
    format!("… {count} more")
}

pub(crate) fn looked_at(count: &str, is_all: bool) -> String {
    if is_all {
        format!("All {count} were looked at.")
    } else {
        format!("{count} were looked at; there may be more.")
    }
}

pub(crate) fn left(count: &str) -> String {
    format!("{count} left")
}

pub(crate) fn findings(count: usize) -> String {
    if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") }
}

pub(crate) fn tokens(count: u32) -> String {
    if count == 1 { "1 token".to_owned() } else { format!("{count} tokens") }
}

pub(crate) fn ticks_wait(count: u32) -> String {
    if count == 1 { "1 tick waits".to_owned() } else { format!("{count} ticks wait") }
}

pub(crate) fn most_in(count: &str, width: &str) -> String {
    format!("at most {count} in {width}")
}

pub(crate) fn runs_of(count: &str, name: &str) -> String {
    format!("{count} runs of {name}")
}

pub(crate) fn in_use_of(name: &str) -> String {
    format!("How much of {name} is in use")
}

pub(crate) fn pick(kind: &str, id: &str) -> String {
    format!("Pick {kind} {id}")
}

pub(crate) fn take_out(term: &str) -> String {
    format!("Take out {term}")
}
