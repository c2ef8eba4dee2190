//! What a look found: how bad it is, why it matters, and what to type.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Check {
    /// The server's version and encoding, whether it is writable, and what the role may do.
    Server,
    /// Whether the tables are those of this release.
    Migrations,
    /// Whether tables, columns, indexes, functions and options are as this release makes them.
    Drift,
    /// Who keeps dead rows from being removed: old transactions, prepared ones, replication slots.
    Horizon,
    /// Dead rows of `jobs`, and how many of its updates touch no index.
    DeadRows,
    /// The size of `jobs` and its indexes beside what they contain.
    Size,
    /// The days of the archive.
    Partitions,
    /// The processes that run jobs.
    Workers,
    /// Jobs that wait for a paused queue, for a worker that does not run, or for too long.
    Waiting,
    /// Runs that take too long, cancellations that have no effect, jobs that no process works on.
    Runs,
    /// Dead letters: more than usual, and those that the code cannot read.
    DeadLetters,
    /// The server's queue of notifications.
    Notifications,
    /// Connections in use.
    Connections,
    /// A pooler between this process and the server.
    Pooler,
    /// Settings of the server and of the roles.
    Settings,
    /// What one process does for all: statistics, the janitor.
    Upkeep,
    /// The clock of this machine beside that of the database.
    Clock,
}

impl Check {
    /// All checks, in their order.
    pub const ALL: [Self; 17] = [
        Self::Server,
        Self::Migrations,
        Self::Drift,
        Self::Horizon,
        Self::DeadRows,
        Self::Size,
        Self::Partitions,
        Self::Workers,
        Self::Waiting,
        Self::Runs,
        Self::DeadLetters,
        Self::Notifications,
        Self::Connections,
        Self::Pooler,
        Self::Settings,
        Self::Upkeep,
        Self::Clock,
    ];

    /// Returns its name, as it is written in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Migrations => "migrations",
            Self::Drift => "drift",
            Self::Horizon => "horizon",
            Self::DeadRows => "dead_rows",
            Self::Size => "size",
            Self::Partitions => "partitions",
            Self::Workers => "workers",
            Self::Waiting => "waiting",
            Self::Runs => "runs",
            Self::DeadLetters => "dead_letters",
            Self::Notifications => "notifications",
            Self::Connections => "connections",
            Self::Pooler => "pooler",
            Self::Settings => "settings",
            Self::Upkeep => "upkeep",
            Self::Clock => "clock",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// All is well.
    Ok,
    /// The role of the database may not look.
    NotAllowed,
    /// It may become a trouble.
    Warning,
    /// It is a trouble.
    Wrong,
}

/// What to type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Remedy {
    /// Statements for the database, divided by `;` and a line end.
    Sql(String),
    /// A command for the shell.
    Command(String),
    /// Words: a setting of the program, or something to decide.
    Advice(String),
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(text) => write!(f, "{text};"),
            Self::Command(text) | Self::Advice(text) => f.write_str(text),
        }
    }
}

/// What a check found; [`Admin::doctor`](crate::Admin::doctor) returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// How bad it is.
    pub severity: Severity,
    /// What was found, with its number.
    pub found: String,
    /// Why it matters; `None` if all is well.
    pub why: Option<String>,
    /// What to type.
    pub remedy: Option<Remedy>,
}

impl Finding {
    pub(super) fn ok(check: Check, found: impl Into<String>) -> Self {
        Self { check, severity: Severity::Ok, found: found.into(), why: None, remedy: None }
    }

    pub(super) fn not_allowed(check: Check, found: impl Into<String>) -> Self {
        Self { severity: Severity::NotAllowed, ..Self::ok(check, found) }
    }

    pub(super) fn warning(check: Check, found: impl Into<String>, why: &str) -> Self {
        let why = Some(why.to_owned());
        Self { severity: Severity::Warning, why, ..Self::ok(check, found) }
    }

    pub(super) fn wrong(check: Check, found: impl Into<String>, why: &str) -> Self {
        Self { severity: Severity::Wrong, ..Self::warning(check, found, why) }
    }

    /// Wrong, or only a warning.
    pub(super) fn bad(check: Check, is_wrong: bool, found: impl Into<String>, why: &str) -> Self {
        if is_wrong { Self::wrong(check, found, why) } else { Self::warning(check, found, why) }
    }

    pub(super) fn sql(self, statements: String) -> Self {
        Self { remedy: Some(Remedy::Sql(statements)), ..self }
    }

    pub(super) fn command(self, command: impl Into<String>) -> Self {
        Self { remedy: Some(Remedy::Command(command.into())), ..self }
    }

    pub(super) fn advice(self, advice: impl Into<String>) -> Self {
        Self { remedy: Some(Remedy::Advice(advice.into())), ..self }
    }
}

/// These findings, or this one that all is well.
pub(super) fn or_ok(
    findings: Vec<Finding>,
    check: Check,
    found: impl Into<String>,
) -> Vec<Finding> {
    if findings.is_empty() { vec![Finding::ok(check, found)] } else { findings }
}

/// `4 s`, `12 min`, `3 h`, `5 d`: the largest unit of which there are two or more.
pub(super) fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// The database's seconds as a duration.
pub(super) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(f64::max(seconds, 0.0)).unwrap_or(Duration::MAX)
}

/// A word of a command, as a shell reads it: names that others chose must not be more than a word.
pub(super) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.:/".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// `12 kB`, `3 MB`, `4 GB`.
pub(super) fn bytes(bytes: i64) -> String {
    const UNITS: [(&str, i64); 3] = [("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)];
    let unit = UNITS.into_iter().find(|(_, size)| bytes >= *size);
    unit.map_or_else(|| format!("{bytes} B"), |(name, size)| format!("{} {name}", bytes / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_has_the_same_name_in_json_and_in_words() {
        for check in Check::ALL {
            let json = crate::job::to_json(&check).unwrap();
            assert_eq!(json, format!("\"{check}\""));
        }
    }

    #[test]
    fn a_name_stays_one_word_for_a_shell() {
        assert_eq!(word("emails_2"), "emails_2");
        assert_eq!(word("a; rm -rf $HOME"), "'a; rm -rf $HOME'");
        assert_eq!(word("it's"), r"'it'\''s'");
        assert_eq!(word(""), "''");
    }

    #[test]
    fn a_finding_is_written_with_what_to_type() {
        let finding = Finding::wrong(Check::Drift, "gone", "slow").sql("create index".to_owned());
        assert_eq!(
            crate::job::to_json(&finding).unwrap(),
            r#"{"check":"drift","severity":"wrong","found":"gone","why":"slow","remedy":{"sql":"create index"}}"#
        );
        assert_eq!(finding.remedy.unwrap().to_string(), "create index;");
        assert_eq!((bytes(5), bytes(3 << 20)), ("5 B".to_owned(), "3 MB".to_owned()));
    }
}
