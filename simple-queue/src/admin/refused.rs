//! What no act takes, and why one was not carried out.

use crate::{Error, database::failure::FailedStatement, job::problem_of_queue_name};

/// Refuses a name that no queue can have.
pub(super) fn problem_of_queue(queue: &str) -> Result<(), Error> {
    match problem_of_queue_name(queue) {
        Some(problem) => {
            let name = queue.chars().take(80).collect();
            Err(Error::InvalidQueueName { name, problem })
        }
        None => Ok(()),
    }
}

/// Why a change was not carried out.
pub(super) enum Failed {
    Database(sqlx::Error),
    Library(Error),
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

impl FailedStatement for Failed {
    fn failed_statement(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Library(error) => error.of_database(),
        }
    }
}
