//! Why an act left a job alone.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::job::JobStatus;

/// Why an act left a job as it is. This is an answer and no error: somebody else was faster, or the
/// act would break a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// This job has its unique key: it is live, or it keeps the key.
    KeyTaken(Uuid),
    /// It has changed since it was seen.
    Changed,
    /// It runs.
    Running,
    /// It waits to run, so there is nothing to put back.
    Waiting,
    /// It has ended, with this status.
    Ended(JobStatus),
    /// No table has it any more.
    Gone,
    /// Another transaction holds it.
    Busy,
    /// The jobs of its key run in order, which this would break.
    InOrder,
    /// Its kind has a limit for each key in one of the two queues only, or another one.
    OtherLimit,
    /// The database refuses it; the log has its message.
    Refused,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyTaken(id) => write!(f, "the job {id} has its unique key"),
            Self::Changed => f.write_str("it has changed meanwhile"),
            Self::Running => f.write_str("it runs"),
            Self::Waiting => f.write_str("it waits to run"),
            Self::Ended(status) => write!(f, "it has ended: {status}"),
            Self::Gone => f.write_str("there is no such job any more"),
            Self::Busy => f.write_str("another transaction holds it"),
            Self::InOrder => f.write_str("the jobs of its key run in order"),
            Self::OtherLimit => {
                f.write_str("the limit for each key of its kind does not hold in both queues")
            }
            Self::Refused => f.write_str("the database refuses it"),
        }
    }
}

/// A job that was left alone, as an act's row has it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LeftJob {
    id: Uuid,
    why: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    other: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
}

impl LeftJob {
    pub(crate) fn new(id: Uuid, why: Why) -> Self {
        let (word, other, status) = match why {
            Why::KeyTaken(other) => ("key_taken", Some(other), None),
            Why::Changed => ("changed", None, None),
            Why::Running => ("running", None, None),
            Why::Waiting => ("waiting", None, None),
            Why::Ended(status) => ("ended", None, Some(status.to_string())),
            Why::Gone => ("gone", None, None),
            Why::Busy => ("busy", None, None),
            Why::InOrder => ("in_order", None, None),
            Why::OtherLimit => ("other_limit", None, None),
            Why::Refused => ("refused", None, None),
        };
        Self { id, why: word.to_owned(), other, status }
    }

    /// `None`: a later release wrote a word that this one does not know.
    pub(crate) fn read(&self) -> Option<(Uuid, Why)> {
        let why = match self.why.as_str() {
            "key_taken" => Why::KeyTaken(self.other?),
            "changed" => Why::Changed,
            "running" => Why::Running,
            "waiting" => Why::Waiting,
            "ended" => Why::Ended(self.status.as_ref()?.parse().ok()?),
            "gone" => Why::Gone,
            "busy" => Why::Busy,
            "in_order" => Why::InOrder,
            "other_limit" => Why::OtherLimit,
            "refused" => Why::Refused,
            _ => return None,
        };
        Some((self.id, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_alone_is_read_as_it_was_written() {
        let id = Uuid::now_v7();
        for why in [
            Why::KeyTaken(Uuid::nil()),
            Why::Changed,
            Why::Running,
            Why::Waiting,
            Why::Ended(JobStatus::BadJob),
            Why::Gone,
            Why::Busy,
            Why::InOrder,
            Why::OtherLimit,
            Why::Refused,
        ] {
            let written = serde_json::to_string(&LeftJob::new(id, why)).unwrap();
            let read: LeftJob = serde_json::from_str(&written).unwrap();
            assert_eq!(read.read(), Some((id, why)), "{written}");
            assert!(!why.to_string().is_empty());
        }
    }
}
