//! Why jobs were not inserted.

use std::time::Duration;

use uuid::Uuid;

use crate::{Error, database::failure::FailedStatement};

/// Result of an insertion that stored nothing.
#[derive(Debug)]
pub(super) enum Failure {
    Database(sqlx::Error),
    /// The key of one of these jobs was not available in time: an open transaction holds it.
    Held {
        error: sqlx::Error,
        among: Vec<Uuid>,
    },
    /// As above, and the key is known.
    KeyHeld {
        unique_key: String,
        waited: Duration,
    },
    /// A job with `on_conflict = "error"` has a key that is taken.
    Duplicate {
        unique_key: String,
        job_id: Uuid,
    },
    /// A job that has ended had this id.
    IdUsed {
        job_id: Uuid,
    },
    /// The insert was a probe and is rolled back.
    TakenBack,
}

impl Failure {
    /// The message for a key that was not available; it names the key if it is known.
    pub(super) fn of_held(unique_key: Option<&str>, error: sqlx::Error, waited: Duration) -> Self {
        match unique_key {
            Some(key) => Self::KeyHeld { unique_key: key.to_owned(), waited },
            None => Self::Database(error),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl FailedStatement for Failure {
    fn failed_statement(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Database(error) | Self::Held { error, .. } => Some(error),
            Self::KeyHeld { .. }
            | Self::Duplicate { .. }
            | Self::IdUsed { .. }
            | Self::TakenBack => None,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error) | Failure::Held { error, .. } => {
                Self::database("enqueue")(error)
            }
            Failure::KeyHeld { unique_key, waited } => Self::KeyHeld { unique_key, waited },
            Failure::Duplicate { unique_key, job_id } => Self::Duplicate { unique_key, job_id },
            Failure::IdUsed { job_id } => Self::IdUsed { job_id },
            Failure::TakenBack => Self::database("enqueue")(sqlx::Error::RowNotFound),
        }
    }
}
