//! The errors that this library returns to its caller.

mod conversions;
mod kind;

pub use kind::ErrorKind;

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use crate::{database::failure::described, job::JobStatus};

/// What can go wrong between a caller and the queue.
///
/// Errors of handlers do not appear here: they become the fate of their job.
///
/// [`Error::kind`] says what sort it is. A message holds what the database said, so no
/// [`source`](std::error::Error::source) says it again; the field `error` of a variant has it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused a statement, or could not be reached.
    #[error("the database failed to {action}: {}", described(error))]
    #[non_exhaustive]
    Database {
        /// What was being done.
        action: &'static str,
        /// What the database or its driver said; shared by calls that shared a statement.
        error: Arc<sqlx::Error>,
    },
    /// A URL that names no database of Postgres. It is not shown: it may hold a password.
    #[error("the URL of the database cannot be used: {problem}")]
    #[non_exhaustive]
    InvalidUrl {
        /// What is wrong with it.
        problem: String,
    },
    /// No server could be connected to.
    #[error("the database cannot be reached: {}", tried.iter().map(|(server, error)| format!("{server}: {}", described(error))).collect::<Vec<_>>().join("; "))]
    #[non_exhaustive]
    Unreachable {
        /// Each server that was tried, as `host:port`, and why it could not be connected to.
        tried: Vec<(String, sqlx::Error)>,
    },
    /// The tables could not be made or brought up to date.
    #[error("the schema `{schema}` could not be migrated: {}", described(error))]
    #[non_exhaustive]
    Migrate {
        /// The schema the tables belong to.
        schema: String,
        /// What went wrong.
        error: Arc<sqlx::Error>,
    },
    /// A migration did not get the locks it needs; what it had done is rolled back.
    #[error(
        "the schema `{schema}` could not be migrated within {waited:?}: {holders} has locks on its tables; end that, or repeat the call ({})",
        described(error)
    )]
    #[non_exhaustive]
    MigrationHeldUp {
        /// The schema the tables belong to.
        schema: String,
        /// For how long it was tried.
        waited: Duration,
        /// Who has locks on the tables, the oldest transactions first.
        holders: String,
        /// What the database said the last time.
        error: Arc<sqlx::Error>,
    },
    /// The tables were made by another build, whose text of them is different.
    #[error(
        "the schema `{schema}` has the part `{part}` of release {release} in another text than this build; make the schema anew, or use that build"
    )]
    #[non_exhaustive]
    OtherTables {
        /// The schema the tables belong to.
        schema: String,
        /// The file that is different.
        part: &'static str,
        /// The release that the schema has it from.
        release: String,
    },
    /// The schema is there and belongs to another role, which could change the tables under the queue.
    #[error(
        "the schema `{schema}` belongs to `{owner}`, and this is `{role}`: migrate as its owner, or choose another with `schema` of `SimpleQueue::builder`"
    )]
    #[non_exhaustive]
    ForeignSchema {
        /// The schema.
        schema: String,
        /// Whose it is.
        owner: String,
        /// Who wanted to migrate.
        role: String,
    },
    /// The database cannot hold every text.
    #[error(
        "the database is in {encoding}, and a queue needs one in UTF-8: `create database … encoding 'UTF8' template template0`"
    )]
    #[non_exhaustive]
    NotUtf8 {
        /// The database's encoding.
        encoding: String,
    },
    /// The tables or functions of the queue are not there, or are older than this release.
    #[error(
        "the database failed to {action}: {}; the schema is missing or older than this release: run `SimpleQueue::migrate`",
        described(error)
    )]
    #[non_exhaustive]
    NotMigrated {
        /// What was being done.
        action: &'static str,
        /// What is missing, in the database's words.
        error: Arc<sqlx::Error>,
    },
    /// The role that this is in the database lacks a right.
    #[error(
        "the role may not {action}: it needs a GRANT on {missing} (`SimpleQueue::grants` has those of each role): {}",
        described(error)
    )]
    #[non_exhaustive]
    MissingGrant {
        /// What was being done.
        action: &'static str,
        /// What the right is on: a table, a function or a schema.
        missing: String,
        /// What the database said.
        error: Arc<sqlx::Error>,
    },
    /// The migrations need a session of their own, and there is a pooler that only lends sessions.
    #[error(
        "the schema `{schema}` cannot be migrated through a pooler, which lends sessions for a transaction; give the server's own URL with `direct_url` of `SimpleQueue::builder`"
    )]
    #[non_exhaustive]
    NeedsDirectUrl {
        /// The schema the tables belong to.
        schema: String,
    },
    /// Settings of a queue that are out of their range, or contradict each other.
    #[error("the settings of the queue cannot be used: {}", problems.join("; "))]
    #[non_exhaustive]
    InvalidSettings {
        /// Each problem in a sentence that names the settings, their values and what to do about it.
        problems: Vec<String>,
    },
    /// A schema's name that cannot be one.
    #[error(
        "`{schema}` cannot be a schema of this queue: use 1 to 48 of the characters a-z, 0-9 and `_`, not starting with a digit"
    )]
    #[non_exhaustive]
    InvalidSchema {
        /// The name that was given.
        schema: String,
    },
    /// A queue's name that cannot be one.
    #[error("`{name}` cannot be the name of a queue: {problem}")]
    #[non_exhaustive]
    InvalidQueueName {
        /// The name that was given, cut where it is long.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A unique key, fingerprint or tag that cannot be stored.
    #[error("the {what} `{key}` cannot be stored: {problem}")]
    #[non_exhaustive]
    InvalidKey {
        /// `unique key`, `fingerprint` or `tag`.
        what: &'static str,
        /// The key that was given, cut where it is long.
        key: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A payload that cannot be stored.
    #[error("the payload of a job for queue `{queue}` cannot be stored: {problem}")]
    #[non_exhaustive]
    InvalidPayload {
        /// Where the job was to go.
        queue: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A live job has the unique key of one that asked for
    /// [`OnConflict::Error`](crate::OnConflict::Error). Nothing was stored.
    #[error(
        "job {job_id} has the unique key `{unique_key}` already, and the new one must not be a duplicate"
    )]
    #[non_exhaustive]
    Duplicate {
        /// The key.
        unique_key: String,
        /// The live job that has it.
        job_id: Uuid,
    },
    /// A transaction that is still open has a unique key, or the job that has it, and did not end in time. Nothing
    /// was stored; the same call may succeed later.
    #[error(
        "the unique key `{unique_key}` is held by a transaction that did not end within {waited:?}; commit or roll back what enqueued, cancelled or finished the job with this key"
    )]
    #[non_exhaustive]
    KeyHeld {
        /// The key.
        unique_key: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// A job with this id was enqueued before, and is over. Nothing was stored: an id is used once.
    #[error(
        "job {job_id} was enqueued before and is over, and an id is used once; make a new job with `Job::new`, a clone keeps its id"
    )]
    #[non_exhaustive]
    IdUsed {
        /// The id.
        job_id: Uuid,
    },
    /// Two jobs of one call have the same id.
    #[error(
        "two jobs of one call have the id {job_id}; make each with `Job::new`, a clone keeps its id"
    )]
    #[non_exhaustive]
    DuplicateId {
        /// The id.
        job_id: Uuid,
    },
    /// An option of a job that cannot be stored.
    #[error("the {option} of a job cannot be stored: {problem}")]
    #[non_exhaustive]
    InvalidOption {
        /// `max_attempts`, `timeout` or `metadata`.
        option: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Two jobs of one name were registered.
    #[error(
        "two jobs share the name `{kind}` ({first} and {second}); give one of them `#[job(name = \"...\")]`"
    )]
    #[non_exhaustive]
    DuplicateKind {
        /// The name.
        kind: &'static str,
        /// File and line of the one that was registered before.
        first: &'static str,
        /// File and line of the one that was to be registered now.
        second: &'static str,
    },
    /// The lease on a job is not, or no longer, this run's.
    #[error(
        "job {job_id} is no longer held by this run: another process took it over; undo what this run did"
    )]
    #[non_exhaustive]
    LeaseLost {
        /// The job.
        job_id: Uuid,
    },
    /// A job was to be finished in a transaction that had been ended before, and perhaps another begun.
    #[error(
        "job {job_id} cannot be finished: `commit` or `rollback` was sent as SQL and ended its transaction, so what was done before is kept or gone without the job; leave the end of the transaction to the one who holds it"
    )]
    #[non_exhaustive]
    TransactionEnded {
        /// The job.
        job_id: Uuid,
    },
    /// No job has this id: it never existed, or its history is no longer kept.
    #[error(
        "job {job_id} is in none of the tables: it was never enqueued, or its history has been removed"
    )]
    #[non_exhaustive]
    UnknownJob {
        /// The id that was looked for.
        job_id: Uuid,
    },
    /// A worker ended by itself, because one of its roles panicked. Other workers return its jobs.
    #[error(
        "the worker has ended: its {role} {problem}; this is a fault of simple-queue, please report it"
    )]
    #[non_exhaustive]
    WorkerEnded {
        /// Which part of the worker panicked.
        role: &'static str,
        /// What it said.
        problem: String,
    },
    /// A job that was to be redriven is no dead letter.
    #[error(
        "job {job_id} is no dead letter: it is live, completed, or its history has been removed"
    )]
    #[non_exhaustive]
    NotDead {
        /// The job.
        job_id: Uuid,
    },
    /// A job that was waited for has not ended in time. It may still end.
    #[error("job {job_id} has not ended within {timeout:?}")]
    #[non_exhaustive]
    WaitTimedOut {
        /// The job.
        job_id: Uuid,
        /// How long it was waited for.
        timeout: Duration,
    },
    /// A job whose result was waited for ended without one.
    #[error("job {job_id} did not complete, it is {status}: {reason}")]
    #[non_exhaustive]
    NotCompleted {
        /// The job.
        job_id: Uuid,
        /// How it ended.
        status: JobStatus,
        /// Why.
        reason: String,
    },
    /// What a job left as its result is not of the type that was expected.
    #[error("the result of job {job_id} cannot be read: {error}")]
    #[non_exhaustive]
    UnreadableResult {
        /// The job.
        job_id: Uuid,
        /// What does not fit.
        error: serde_json::Error,
    },
    /// A stored job is not what its declaration says.
    #[error("job {job_id} cannot be read: {problem}")]
    #[non_exhaustive]
    UnreadablePayload {
        /// The job.
        job_id: Uuid,
        /// What does not fit.
        problem: String,
    },
    /// The database holds a state that this release does not know.
    #[error("`{status}` is no state of a job that this release knows; a newer release wrote it")]
    #[non_exhaustive]
    UnknownStatus {
        /// The word that was read.
        status: String,
    },
}
