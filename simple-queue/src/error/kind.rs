//! The kinds of errors, and what a program can do about each.

use std::sync::Arc;

use super::{Error, LimitError, ScheduleError};
use crate::database::failure::{is_not_migrated, is_transient, is_unreachable, missing_grant};

/// The kind of an [`Error`], as [`Error::kind`] returns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The database refused a statement or could not be reached; [`Error::is_transient`] tells whether a retry helps.
    Database,
    /// The tables are missing, or belong to another release.
    NotMigrated,
    /// The tables could not be created or brought up to date.
    Migration,
    /// The database role or the actor lacks a right.
    PermissionDenied,
    /// An argument cannot be used: a setting, a name, a key, a payload.
    InvalidInput,
    /// Another job has the id, the key or the name.
    Conflict,
    /// There is no such job, or none in that status.
    NotFound,
    /// Another process has the job, or its transaction has ended.
    LeaseLost,
    /// The job has not ended in time.
    TimedOut,
    /// The job that was waited for did not complete.
    NotCompleted,
    /// A stored value is not of the type that this build expects.
    Unreadable,
    /// A worker ended by itself.
    WorkerEnded,
    /// The files of the spool cannot be used.
    Spool,
}

impl Error {
    /// Returns the kind of this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Database { .. } | Self::Unreachable { .. } => ErrorKind::Database,
            Self::NotMigrated { .. } | Self::OtherTables { .. } => ErrorKind::NotMigrated,
            Self::Migrate { .. }
            | Self::MigrationHeldUp { .. }
            | Self::NeedsDirectUrl { .. }
            | Self::NotUtf8 { .. } => ErrorKind::Migration,
            Self::MissingGrant { .. } | Self::ForeignSchema { .. } | Self::NotAllowed { .. } => {
                ErrorKind::PermissionDenied
            }
            Self::InvalidUrl { .. }
            | Self::InvalidSettings { .. }
            | Self::InvalidSchema { .. }
            | Self::InvalidQueueName { .. }
            | Self::InvalidKey { .. }
            | Self::InvalidPayload { .. }
            | Self::InvalidOption { .. }
            | Self::Schedule(ScheduleError::Invalid { .. }) => ErrorKind::InvalidInput,
            Self::Duplicate { .. }
            | Self::KeyHeld { .. }
            | Self::IdUsed { .. }
            | Self::DuplicateId { .. }
            | Self::DuplicateKind { .. }
            | Self::Limit(LimitError::Different { .. })
            | Self::Schedule(ScheduleError::Declared { .. }) => ErrorKind::Conflict,
            Self::UnknownJob { .. }
            | Self::Limit(LimitError::Unknown { .. })
            | Self::Schedule(ScheduleError::Unknown { .. }) => ErrorKind::NotFound,
            Self::LeaseLost { .. } | Self::TransactionEnded { .. } => ErrorKind::LeaseLost,
            Self::WaitTimedOut { .. } => ErrorKind::TimedOut,
            Self::NotCompleted { .. } => ErrorKind::NotCompleted,
            Self::UnreadableResult { .. }
            | Self::UnreadablePayload { .. }
            | Self::UnknownStatus { .. } => ErrorKind::Unreadable,
            Self::WorkerEnded { .. } => ErrorKind::WorkerEnded,
            Self::Spool(_) => ErrorKind::Spool,
        }
    }

    /// Whether the same call may succeed later: the database was unavailable, busy or shutting down.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Database { error, .. } | Self::Migrate { error, .. } => is_transient(error),
            Self::Unreachable { tried } => tried.iter().all(|(_, error)| is_transient(error)),
            Self::MigrationHeldUp { .. } | Self::KeyHeld { .. } => true,
            _ => false,
        }
    }

    /// Whether the database could not be reached, or was not there to do its work.
    pub(crate) fn is_unreachable(&self) -> bool {
        match self {
            Self::Database { error, .. } => is_unreachable(error),
            _ => false,
        }
    }

    /// The driver's error inside an error of this library. The library does not return it as its source.
    pub(crate) fn of_database_in<'e>(
        error: &'e (dyn std::error::Error + 'static),
    ) -> Option<&'e sqlx::Error> {
        error.downcast_ref::<Self>()?.of_database()
    }

    /// The driver's error that this error was made from, if there is one.
    pub(crate) fn of_database(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Database { error, .. }
            | Self::NotMigrated { error, .. }
            | Self::MissingGrant { error, .. }
            | Self::Migrate { error, .. }
            | Self::MigrationHeldUp { error, .. } => Some(error),
            _ => None,
        }
    }

    pub(crate) fn database(action: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |error| {
            let missing = missing_grant(&error);
            let error = Arc::new(error);
            match missing {
                Some(missing) => Self::MissingGrant { action, missing, error },
                None if is_not_migrated(&error) => Self::NotMigrated { action, error },
                None => Self::Database { action, error },
            }
        }
    }

    /// The same database failure, for another call that shared the statement.
    pub(crate) fn shared(&self) -> Option<Self> {
        match self {
            Self::Database { action, error } => {
                Some(Self::Database { action, error: Arc::clone(error) })
            }
            Self::NotMigrated { action, error } => {
                Some(Self::NotMigrated { action, error: Arc::clone(error) })
            }
            Self::MissingGrant { action, missing, error } => {
                let missing = missing.clone();
                let error = Arc::clone(error);
                Some(Self::MissingGrant { action, missing, error })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, error::Error as _, time::Duration};

    use uuid::Uuid;

    use super::*;
    use crate::{
        database::failure::{Excuse, excuse_in},
        job::JobStatus,
    };

    /// Number of variants.
    const VARIANTS: usize = 34;

    /// One error of each variant.
    fn samples() -> Vec<Error> {
        let job_id = Uuid::nil();
        let io = || sqlx::Error::Io(std::io::Error::other("the cable is out"));
        let text = || "sample".to_owned();
        let action = "insert jobs";
        let unread = || serde_json::from_str::<bool>("7").unwrap_err();
        vec![
            Error::Database { action, error: io().into() },
            Error::NotMigrated { action, error: io().into() },
            Error::MissingGrant { action, missing: text(), error: io().into() },
            Error::Migrate { schema: text(), error: io().into() },
            Error::MigrationHeldUp {
                schema: text(),
                waited: Duration::ZERO,
                holders: text(),
                error: io().into(),
            },
            Error::Unreachable { tried: vec![(text(), io())] },
            Error::UnreadableResult { job_id, error: unread() },
            Error::UnreadablePayload { job_id, problem: text() },
            Error::NotCompleted { job_id, status: JobStatus::Failed, reason: text() },
            Error::InvalidSettings { problems: vec![text(), text()] },
            Error::WorkerEnded { role: "poller", problem: text() },
            Error::InvalidUrl { problem: text() },
            Error::OtherTables { schema: text(), part: "functions", release: text() },
            Error::ForeignSchema { schema: text(), owner: text(), role: text() },
            Error::NotUtf8 { encoding: text() },
            Error::NeedsDirectUrl { schema: text() },
            Error::InvalidSchema { schema: text() },
            Error::InvalidQueueName { name: text(), problem: "it is" },
            Error::InvalidKey { what: "tag", key: text(), problem: "it is" },
            Error::InvalidPayload { queue: text(), problem: text() },
            Error::InvalidOption { option: "timeout", problem: text() },
            Error::Duplicate { unique_key: text(), job_id },
            Error::KeyHeld { unique_key: text(), waited: Duration::ZERO },
            Error::IdUsed { job_id },
            Error::DuplicateId { job_id },
            Error::Schedule(ScheduleError::Unknown { name: text() }),
            Error::DuplicateKind { kind: "a", first: "a.rs:1", second: "b.rs:2" },
            Error::LeaseLost { job_id },
            Error::TransactionEnded { job_id },
            Error::UnknownJob { job_id },
            Error::NotAllowed { actor: text(), action: text() },
            Error::WaitTimedOut { job_id, timeout: Duration::ZERO },
            Error::UnknownStatus { status: text() },
            Error::Spool(crate::SpoolError::Files { error: std::io::Error::other("no disk") }),
        ]
    }

    #[test]
    fn there_is_a_sample_of_each_variant() {
        let all: HashSet<_> = samples().iter().map(std::mem::discriminant).collect();
        // A new variant does not compile in `kind`; add it to the samples too.
        assert_eq!((all.len(), samples().len()), (VARIANTS, VARIANTS));
    }

    #[test]
    fn no_message_says_what_its_source_says_again() {
        for error in samples() {
            let mut message = error.to_string();
            let mut next = error.source();
            while let Some(source) = next {
                let source_message = source.to_string();
                assert!(
                    !message.contains(&source_message),
                    "{message:?} and then {source_message:?}"
                );
                (message, next) = (source_message, source.source());
            }
        }
    }

    #[test]
    fn what_the_database_said_is_in_the_message() {
        for error in samples() {
            if error.of_database().is_some() {
                assert!(error.to_string().contains("the cable is out"), "{error}");
            }
        }
    }

    #[test]
    fn a_kind_tells_what_can_be_done() {
        let kinds: Vec<_> = samples().iter().map(Error::kind).collect();
        assert_eq!(kinds[0], ErrorKind::Database);
        assert_eq!(kinds[1], ErrorKind::NotMigrated);
        assert_eq!(kinds[2], ErrorKind::PermissionDenied);
        assert!(samples()[0].is_transient() && !samples()[1].is_transient());
    }

    #[test]
    fn the_databases_trouble_is_found_in_an_error_that_does_not_name_it_as_its_source() {
        #[derive(Debug, thiserror::Error)]
        #[error("the order was not stored")]
        struct OfTheUser(#[from] Error);

        let trouble = |error: Error| excuse_in(&OfTheUser(error), Error::of_database_in);
        assert_eq!(trouble(samples().remove(0)), Some(Excuse::Lost));
        assert_eq!(trouble(Error::UnknownJob { job_id: Uuid::nil() }), None);
    }
}
