//! The errors that this library returns to its caller.

mod conversions;
mod kind;
mod limit;
mod schedule;
mod spool;

pub use kind::ErrorKind;
pub use limit::LimitError;
pub use schedule::ScheduleError;
pub use spool::SpoolError;

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use crate::{database::failure::described, job::JobStatus};

/// An error of a call to the queue. Errors of handlers do not appear here: they decide the outcome of their job.
/// [`Error::kind`] groups the variants. The database's error is in a field `error`, and not in `source()` again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused a statement, or could not be reached.
    #[error("the database failed to {action}: {}", described(error))]
    #[non_exhaustive]
    Database {
        /// What the library was doing.
        action: &'static str,
        /// The driver's error, shared by calls that shared a statement.
        error: Arc<sqlx::Error>,
    },
    /// The URL is not one of a Postgres database. It is not shown, because it may contain a password.
    #[error("the URL of the database cannot be used: {problem}")]
    #[non_exhaustive]
    InvalidUrl {
        /// What is wrong with it.
        problem: String,
    },
    /// No server accepts connections.
    #[error("the database cannot be reached: {}", tried.iter().map(|(server, error)| format!("{server}: {}", described(error))).collect::<Vec<_>>().join("; "))]
    #[non_exhaustive]
    Unreachable {
        /// Each server that was tried, as `host:port`, and why connecting failed.
        tried: Vec<(String, sqlx::Error)>,
    },
    /// The tables could not be created or brought up to date.
    #[error("the schema `{schema}` could not be migrated: {}", described(error))]
    #[non_exhaustive]
    Migrate {
        /// The schema of the tables.
        schema: String,
        /// What went wrong.
        error: Arc<sqlx::Error>,
    },
    /// A migration did not get the locks that it needs, and is rolled back.
    #[error(
        "the schema `{schema}` could not be migrated within {waited:?}: its tables are locked by {holders}; end those sessions, or repeat the call ({})",
        described(error)
    )]
    #[non_exhaustive]
    MigrationHeldUp {
        /// The schema of the tables.
        schema: String,
        /// How long it was tried.
        waited: Duration,
        /// The sessions that hold locks on the tables, the oldest transactions first.
        holders: String,
        /// The database's error of the last try.
        error: Arc<sqlx::Error>,
    },
    /// Another build with different migrations created the tables.
    #[error(
        "the migration `{part}` of release {release} in the schema `{schema}` differs from the one of this build; recreate the schema, or use that build"
    )]
    #[non_exhaustive]
    OtherTables {
        /// The schema of the tables.
        schema: String,
        /// The migration that differs.
        part: &'static str,
        /// The release that applied it.
        release: String,
    },
    /// The schema exists and belongs to another role, which could change the queue's tables.
    #[error(
        "the schema `{schema}` belongs to the role `{owner}`, not to `{role}`: migrate as its owner, or choose another schema with `schema` of `SimpleQueue::builder`"
    )]
    #[non_exhaustive]
    ForeignSchema {
        /// The schema.
        schema: String,
        /// The role that owns it.
        owner: String,
        /// The role that tried to migrate.
        role: String,
    },
    /// The database's encoding cannot represent every text.
    #[error(
        "the encoding of the database is {encoding}, but a queue needs UTF-8: `create database … encoding 'UTF8' template template0`"
    )]
    #[non_exhaustive]
    NotUtf8 {
        /// The database's encoding.
        encoding: String,
    },
    /// The tables or functions of the queue are missing, or older than this release.
    #[error(
        "the database failed to {action}: {}; the schema is missing or older than this release: run `SimpleQueue::migrate`",
        described(error)
    )]
    #[non_exhaustive]
    NotMigrated {
        /// What the library was doing.
        action: &'static str,
        /// The database's error, which names what is missing.
        error: Arc<sqlx::Error>,
    },
    /// The database role lacks a right.
    #[error(
        "the role may not {action}: it needs a GRANT on {missing} (`SimpleQueue::grants` has those of each role): {}",
        described(error)
    )]
    #[non_exhaustive]
    MissingGrant {
        /// What the library was doing.
        action: &'static str,
        /// The object of the right: a table, a function or a schema.
        missing: String,
        /// The database's error.
        error: Arc<sqlx::Error>,
    },
    /// Migrations need a session of their own, which a transaction pooler does not give.
    #[error(
        "the schema `{schema}` cannot be migrated through a transaction pooler; give the server's own URL with `direct_url` of `SimpleQueue::builder`"
    )]
    #[non_exhaustive]
    NeedsDirectUrl {
        /// The schema of the tables.
        schema: String,
    },
    /// Settings of a queue are out of range, or contradict each other.
    #[error("the settings of the queue cannot be used: {}", problems.join("; "))]
    #[non_exhaustive]
    InvalidSettings {
        /// Each problem in a sentence that names the settings, their values and the fix.
        problems: Vec<String>,
    },
    /// The name is not valid for a schema.
    #[error(
        "`{schema}` is not a valid schema name: use 1 to 48 of the characters a-z, 0-9 and `_`, not starting with a digit"
    )]
    #[non_exhaustive]
    InvalidSchema {
        /// The given name.
        schema: String,
    },
    /// The name is not valid for a queue.
    #[error("`{name}` cannot be the name of a queue: {problem}")]
    #[non_exhaustive]
    InvalidQueueName {
        /// The given name, cut if it is long.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A unique key, fingerprint or tag cannot be stored.
    #[error("the {what} `{key}` cannot be stored: {problem}")]
    #[non_exhaustive]
    InvalidKey {
        /// `unique key`, `fingerprint` or `tag`.
        what: &'static str,
        /// The given key, cut if it is long.
        key: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A payload cannot be stored.
    #[error("the payload of a job for queue `{queue}` cannot be stored: {problem}")]
    #[non_exhaustive]
    InvalidPayload {
        /// The queue of the job.
        queue: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Another job already has the unique key of a job with [`OnConflict::Error`](crate::OnConflict::Error): a live
    /// job, or one that [keeps the key](crate::JobOptions::unique_for). Nothing was stored.
    #[error(
        "the unique key `{unique_key}` already belongs to the job {job_id}; wait for that job, or for the time during which it keeps the key, or declare another `on_conflict`"
    )]
    #[non_exhaustive]
    Duplicate {
        /// The key.
        unique_key: String,
        /// The job that has it.
        job_id: Uuid,
    },
    /// An open transaction holds a unique key, or its job, for too long. Nothing was stored; try again later.
    #[error(
        "the unique key `{unique_key}` is held by an open transaction that did not end within {waited:?}; commit or roll back the transaction that enqueued, cancelled or finished the job with this key"
    )]
    #[non_exhaustive]
    KeyHeld {
        /// The key.
        unique_key: String,
        /// How long the call waited.
        waited: Duration,
    },
    /// A job with this id was enqueued before and has ended. Nothing was stored: an id is used once.
    #[error(
        "job {job_id} was enqueued before and has ended, and an id is used once; make a new job with `Job::new`, because a clone keeps the id"
    )]
    #[non_exhaustive]
    IdUsed {
        /// The id.
        job_id: Uuid,
    },
    /// Two jobs of one call have the same id.
    #[error(
        "two jobs of one call have the id {job_id}; make each with `Job::new`, because a clone keeps the id"
    )]
    #[non_exhaustive]
    DuplicateId {
        /// The id.
        job_id: Uuid,
    },
    /// An option of a job cannot be stored.
    #[error("the {option} of a job cannot be stored: {problem}")]
    #[non_exhaustive]
    InvalidOption {
        /// `max_attempts`, `timeout`, `metadata` or `unique_for`.
        option: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A limit is unknown, or is declared twice.
    #[error(transparent)]
    Limit(LimitError),
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(SpoolError),
    /// A schedule is unknown, or cannot be.
    #[error(transparent)]
    Schedule(ScheduleError),
    /// Two jobs with the same name were registered.
    #[error(
        "two jobs share the name `{kind}` ({first} and {second}); give one of them `#[job(name = \"...\")]`"
    )]
    #[non_exhaustive]
    DuplicateKind {
        /// The name.
        kind: &'static str,
        /// File and line of the job that was registered first.
        first: &'static str,
        /// File and line of the other job.
        second: &'static str,
    },
    /// This run does not, or no longer, hold the lease of the job.
    #[error(
        "the lease of job {job_id} is lost: another process took the job over; undo what this run did"
    )]
    #[non_exhaustive]
    LeaseLost {
        /// The job.
        job_id: Uuid,
    },
    /// The transaction in which a job was to be finished had already ended, and another may have begun.
    #[error(
        "job {job_id} cannot be finished: `commit` or `rollback` was sent as SQL and ended its transaction, so the earlier writes are committed or rolled back without the job; let the owner of the transaction end it"
    )]
    #[non_exhaustive]
    TransactionEnded {
        /// The job.
        job_id: Uuid,
    },
    /// No job has this id: it never existed, or its history was deleted.
    #[error("job {job_id} is unknown: it was never enqueued, or its history was deleted")]
    #[non_exhaustive]
    UnknownJob {
        /// The id.
        job_id: Uuid,
    },
    /// A worker ended by itself, because one of its roles panicked. Other workers return its jobs.
    #[error(
        "the worker has ended: its {role} {problem}; this is a bug of simple-queue, please report it"
    )]
    #[non_exhaustive]
    WorkerEnded {
        /// The role that panicked.
        role: &'static str,
        /// The message of the panic.
        problem: String,
    },
    /// The actor may not do this; see [`Rights`](crate::Rights).
    #[error("{actor} may not {action}: `Admin::with_rights` gives the right")]
    #[non_exhaustive]
    NotAllowed {
        /// Who acts.
        actor: String,
        /// What was to be done.
        action: String,
    },
    /// A job that was waited for did not end in time. It may still end.
    #[error("job {job_id} did not end within {timeout:?}")]
    #[non_exhaustive]
    WaitTimedOut {
        /// The job.
        job_id: Uuid,
        /// How long the call waited.
        timeout: Duration,
    },
    /// A job whose result was waited for ended without a result.
    #[error("job {job_id} did not complete, its status is {status}: {reason}")]
    #[non_exhaustive]
    NotCompleted {
        /// The job.
        job_id: Uuid,
        /// Its status.
        status: JobStatus,
        /// Why.
        reason: String,
    },
    /// The stored result of a job is not of the expected type.
    #[error("the result of job {job_id} cannot be read: {error}")]
    #[non_exhaustive]
    UnreadableResult {
        /// The job.
        job_id: Uuid,
        /// What does not fit.
        error: serde_json::Error,
    },
    /// A stored job does not match its declaration.
    #[error("job {job_id} cannot be read: {problem}")]
    #[non_exhaustive]
    UnreadablePayload {
        /// The job.
        job_id: Uuid,
        /// What does not fit.
        problem: String,
    },
    /// The database holds a status that this release does not know.
    #[error("unknown job status `{status}`: a newer release wrote it")]
    #[non_exhaustive]
    UnknownStatus {
        /// The status.
        status: String,
    },
}
