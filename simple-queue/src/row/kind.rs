//! A kind of jobs as it is declared, for processes that do not have its code.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A kind of jobs, as the code of a worker declares it; [`SimpleQueue::kinds`](crate::SimpleQueue::kinds)
/// lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KindState {
    /// The kind: the name of its `#[job]`.
    pub kind: String,
    /// The queue of its jobs, unless a call says otherwise.
    pub queue: String,
    /// The version of its payload; of different workers, the highest.
    pub version: i32,
    /// Its arguments, as they are stored.
    pub arguments: Vec<KindArgument>,
    /// How often a job may be attempted; `None`: the queue's default.
    pub max_attempts: Option<i32>,
    /// The priority of its jobs; smaller is first.
    pub priority: i16,
    /// How long an attempt may take, in seconds; `None`: the queue's default.
    pub timeout_s: Option<u64>,
    /// Earlier names of the kind.
    pub aliases: Vec<String>,
    /// File and line of the declaration.
    pub declared_in: String,
    /// When a worker last declared it. Workers do so when they start, and about every hour.
    pub declared_at: DateTime<Utc>,
    /// When what is declared last changed.
    pub updated_at: DateTime<Utc>,
    /// Number of processes that serve its queue. Not each of them has to run the kind.
    pub workers: u64,
}

/// An argument of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KindArgument {
    /// Its name in the payload.
    pub name: String,
    /// Its type, as the declaration writes it.
    #[serde(rename = "type")]
    pub ty: String,
    /// Whether a payload without it can be read.
    #[serde(default)]
    pub has_default: bool,
    /// Its earlier names.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Whether its value is hidden from operators.
    #[serde(default)]
    pub is_redacted: bool,
}

/// What else a kind is declared with, as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KindOptions {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_attempts: Option<i32>,
    #[serde(default)]
    pub(crate) priority: i16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeout_s: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) aliases: Vec<String>,
}

/// A kind that a worker declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NewKind {
    pub(crate) kind: &'static str,
    pub(crate) queue: &'static str,
    pub(crate) version: i32,
    pub(crate) arguments: Vec<KindArgument>,
    pub(crate) options: KindOptions,
    pub(crate) declared_in: &'static str,
}

impl KindArgument {
    /// Whether it is stored under this name.
    pub(crate) fn is_stored_as(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }
}

/// Writes one line: `send_welcome (emails): user_id: i64, text: String`.
impl fmt::Display for KindState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arguments: Vec<String> = self
            .arguments
            .iter()
            .map(|argument| {
                let default = if argument.has_default { " = …" } else { "" };
                format!("{}: {}{default}", argument.name, argument.ty)
            })
            .collect();
        write!(f, "{} ({}): {}", self.kind, self.queue, arguments.join(", "))
    }
}
