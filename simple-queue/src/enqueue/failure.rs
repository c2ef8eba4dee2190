//! Why jobs were not inserted.

use std::time::Duration;

use uuid::Uuid;

use crate::{Error, database::failure::FailedStatement};

/// What an insertion ends with when nothing was stored.
#[derive(Debug)]
pub(super) enum Failure {
    Database(sqlx::Error),
    /// The key of one among these jobs was not to be had in time: an open transaction holds it.
    Held {
        error: sqlx::Error,
        among: Vec<Uuid>,
    },
    /// It is known which key.
    KeyHeld {
        unique_key: String,
        waited: Duration,
    },
    /// A job that must not be a duplicate is one.
    Duplicate {
        unique_key: String,
        job_id: Uuid,
    },
    /// A job that is over had this id.
    IdUsed {
        job_id: Uuid,
    },
    /// It was a try, and is rolled back.
    TakenBack,
}

impl Failure {
    /// What is said of a key that was not to be had: which, where that was found out.
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
