//! Durable background jobs on the Postgres you already run.
//!
//! You annotate a plain `async fn`. The compiler writes the payload struct, the handler and a typed
//! `enqueue` for it. A worker on tokio runs the jobs, on any number of machines that share a
//! database.
//!
//! ```
//! use simple_queue::prelude::*;
//!
//! # struct Mailer;
//! # impl Mailer { async fn send(&self, _: i64, _: &str) -> Result<(), BoxDynError> { Ok(()) } }
//! /// Greets a new user.
//! #[job(queue = "emails", retries = 5, backoff = "exponential", unique = "welcome:{user_id}")]
//! async fn send_welcome(mailer: &Mailer, user_id: i64, text: String) -> Result<(), BoxDynError> {
//!     mailer.send(user_id, &text).await // by reference: handed in; by value: stored with the job
//! }
//!
//! #[derive(JobState)]
//! struct App {
//!     mailer: Mailer,
//! }
//!
//! # async fn example() -> Result<(), BoxDynError> {
//! let queue = SimpleQueue::connect("postgres://localhost/app").await?;
//! queue.migrate().await?;
//! queue.register(jobs![SendWelcome], App { mailer: Mailer })?;
//!
//! SendWelcome::new(42, "hello").enqueue(&queue).await?;
//! queue.run_until(simple_queue::shutdown_signal()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! | to | use |
//! |---|---|
//! | declare a job | [`job`], [`jobs`], [`JobState`]; for a whole module [`job_defaults`]; in a crate of its own [`derive(Job)`](derive@Job) and [`handler`] |
//! | enqueue it | the struct's own `enqueue`, `delay`, `at`, `priority`, `enqueue_all`; [`EnqueueOn`] lists where |
//! | find or cancel it | the struct's own `find`, `cancel`, `cancel_all`, by the arguments in its keys |
//! | enqueue it again and again | `#[job(cron = …)]`, `#[job(every = …)]`, [`SimpleQueue::schedules`] |
//! | choose its outcome | [`JobResult`], [`JobError`], any other error |
//! | finish it together with its effects | a `&mut` [`JobTx`], or [`JobContext::finish_in`] |
//! | see and act: list, retry, cancel, edit jobs | [`SimpleQueue::admin`], [`JobFilter`] |
//! | configure the queue | [`SimpleQueue::builder`] |
//! | go on while the database is away | [`Spool`], [`SimpleQueue::spool`] |
//! | run jobs | [`SimpleQueue::start`], [`SimpleQueue::run_until`], [`SimpleQueue::health`] |
//! | test a program with jobs | [`testing`], with the feature of this name |
//! | do without macros | [`Handler`], [`struct@Job`], [`SimpleQueue::insert_job`] |
//!
//! The [`guide`] has a page for each subject: [declaring jobs](guide::declaring_jobs), [running
//! workers](guide::running_workers), [schedules](guide::schedules), [limits](guide::limits), [the
//! spool](guide::spool), [testing](guide::testing), [a job's life](guide::lifecycle),
//! [deploying](guide::deploying).
//!
//! A committed job runs at least once, whatever process dies. All tables are in one schema,
//! `simple_queue` unless the [builder](SimpleQueue::builder) sets another; the view `all_jobs`
//! shows every job of every table.
//!
//! # Features
//!
//! - `cron` (default): schedules, see [`guide::schedules`].
//! - `janitor` (default): removes old history, see [`Retention`].
//! - `embedded`: starts a private Postgres, see [`embedded`].
//! - `testing`: tests of programs with jobs, see [`guide::testing`].
//!
//! The driver is `sqlx` 0.9, re-exported as [`sqlx`]. To connect with TLS, add `sqlx` with one of
//! its `tls-` features to your own manifest.
#![cfg_attr(docsrs, feature(doc_cfg))]
// The order of the modules is the order of a job's life:
//
//   declare → enqueue → row → fetch → permit → heartbeat → handler → outcome → archive | retry | dead letter
//
// `job` is the declaration, `enqueue` makes it a row, `worker` fetches it as `admission` allows and
// runs it, `outcome` computes its transition, `finalize` writes that, `upkeep` repairs what a crash
// left. `queue` is the user's interface. Only `store` has SQL about jobs; `database` connects to
// the server.

// First, so that the documentation of `SimpleQueue` begins with its constructors and `start`.
mod begin;

mod queue;

mod job;
mod row;
#[cfg(feature = "cron")]
mod schedule;

mod filter;

mod database;
mod store;

mod admin;
mod admission;
mod enqueue;
mod finalize;
mod outcome;
mod stats;
mod upkeep;
mod worker;

#[cfg(feature = "embedded")]
#[doc(inline)]
pub use simple_queue_embedded as embedded;
mod error;
pub mod guide;
mod jitter;
mod job_schema;
pub mod prelude;
mod retry_pause;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;

#[doc(hidden)]
pub mod private;

/// Compiles the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use admin::{
    ActRecord, ActState, Acted, Admin, Bulk, Check, Cursor, Doctor, Edit, EnqueueRaw, ErrorGroup,
    ErrorGroups, FailedAttempt, Find, Finding, Inserted, JobContents, JobDetail, JobRow,
    JobVersion, KeyHolder, LiveJob, NoCursor, NoJobVersion, Page, Remedy, Right, Rights, Selected,
    Severity, Touched,
};
pub use enqueue::{
    Enqueue, EnqueueOn, EnqueueOutcome, Enqueued, Found, KeptKey, Spool, SpoolStatus,
};
pub use error::{Error, ErrorKind, LimitError, ScheduleError, SpoolError};
pub use filter::{FilterError, JobFilter};
pub use job::{
    AfterFailure, Backoff, BoxDynError, JobError, JobOptions, JobResult, JobState, JobStatus,
    JobTemplate, Limit, MAX_KEY_BYTES, MAX_PAYLOAD_BYTES, MAX_QUEUE_NAME_BYTES, OnConflict, Rate,
    Retention, UniqueWhile, UnknownStatus, Window,
};
#[cfg(feature = "cron")]
pub use job::{Misfire, Overlap};
#[cfg(feature = "cron")]
pub use queue::{Backfilled, ScheduleState, Schedules};
pub use queue::{
    Database, Depth, FinishedJob, Handler, Health, JobContext, JobTx, LimitHolder, LimitKey,
    LimitState, Limits, Paused, Pausing, PendingMigration, QueueSpool, QueueState, RateState,
    Resuming, SimpleQueue, SimpleQueueBuilder, Stats, StatsInterval, Unhealthy,
};
pub use row::{Count, Job, JobExt, KindArgument, KindState, Pause, RunningJob, WorkerState};
#[cfg(feature = "cron")]
pub use schedule::{NextTick, Schedule};
/// Declares a job by its payload struct, for another crate to run.
///
/// The crate with such structs needs only this library, and so do the crates that enqueue them. A
/// [`handler`] in another crate runs the job.
///
/// ```
/// use simple_queue::prelude::*;
///
/// /// Greets a new user.
/// #[derive(Debug, Clone, Job)]
/// #[job(queue = "emails", retries = 5, unique = "welcome:{user_id}", output = String)]
/// pub struct SendEmail {
///     pub user_id: i64,
///     #[job(default)]
///     pub language: String,
/// }
///
/// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
/// SendEmail { user_id: 7, language: "sk".to_owned() }.enqueue(queue).await?;
/// let waits = SendEmail::find(7, queue).await?.is_some();
/// # let _ = waits;
/// # Ok(())
/// # }
/// ```
pub use simple_queue_macros::Job;
/// Runs a job that is declared elsewhere.
///
/// ```
/// # use std::sync::Arc;
/// use simple_queue::prelude::*;
///
/// # mod interface {
/// #     use simple_queue::prelude::*;
/// #     #[derive(Job)]
/// #     #[job(output = String)]
/// #     pub struct SendEmail { pub user_id: i64 }
/// # }
/// # struct Mailer;
/// # impl Mailer { async fn send(&self, _: i64) -> Result<String, BoxDynError> { Ok(String::new()) } }
/// use interface::SendEmail; // of another crate, where it derives `Job`
///
/// #[handler]
/// async fn send_email(mailer: &Mailer, job: SendEmail) -> Result<String, BoxDynError> {
///     mailer.send(job.user_id).await
/// }
///
/// # fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
/// queue.register(jobs![SendEmailHandler], Arc::new(Mailer))?;
/// # Ok(())
/// # }
/// ```
pub use simple_queue_macros::handler;
/// Makes a durable background job of an `async fn`.
///
/// The function stays as it is. The macro adds a struct of its stored arguments, here
/// `SendWelcome`, with `new`, `enqueue` and other functions:
///
/// ```
/// use simple_queue::prelude::*;
///
/// # struct Mailer;
/// # impl Mailer { async fn send(&self, _: i64, _: &str) -> Result<(), BoxDynError> { Ok(()) } }
/// /// Greets a new user.
/// #[job(
///     queue = "emails",
///     retries = 5,
///     backoff = exponential(base = "2s", factor = 3, max = "30m"),
///     unique(by = [user_id]),
///     timeout = "30s",
/// )]
/// async fn send_welcome(
///     context: &JobContext,                // the run: attempt, cancellation, …
///     mailer: &Mailer,                     // by reference: of the worker's state
///     user_id: i64,                        // by value: stored with the job
///     #[job(default)] language: String,    // jobs stored before it was added read as ""
/// ) -> Result<(), BoxDynError> {
///     mailer.send(user_id, &language).await
/// }
///
/// # async fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
/// SendWelcome::new(7, "sk").enqueue(queue).await?;
/// SendWelcome { user_id: 8, language: "en".to_owned() }.enqueue(queue).await?;
/// # Ok(())
/// # }
/// ```
///
/// The function can return nothing, or a `Result` with any error: an error is a failed attempt.
/// Every mistake in the attribute is a compile error that points at the wrong word.
///
/// A job outlives the build that stored it, so its stored form can stay the same while the code
/// changes:
///
/// ```
/// use simple_queue::prelude::*;
///
/// #[job(name = "invoice", aliases("send_invoice"), payload = Invoice, derive(Debug, Clone))]
/// async fn send_invoice_mail(
///     #[job(rename = "orderId", alias = "order")] order_id: i64,
///     #[job(default = 1)] copies: u8,
///     #[job(redact)] iban: String,
/// ) {
/// # let _ = (order_id, copies, iban);
/// }
///
/// let stored = r#"{ "order": 7, "iban": "SK31 1200" }"#;
/// let invoice: Invoice = serde_json::from_str(stored)?;
/// assert_eq!(format!("{invoice:?}"), r#"Invoice { order_id: 7, copies: 1, iban: "…" }"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// A custom back-off is a function of the failed attempt:
///
/// ```
/// use std::time::Duration;
/// use simple_queue::prelude::*;
///
/// fn office_hours(attempt: i32) -> Duration {
///     if attempt < 3 { Duration::from_secs(10) } else { Duration::from_hours(8) }
/// }
///
/// #[job(backoff = office_hours, unique(by = []))]
/// async fn call_back() {}
/// ```
pub use simple_queue_macros::job;
/// Sets defaults for the jobs of a module.
///
/// ```
/// use simple_queue::prelude::*;
///
/// #[job_defaults(queue = "emails", retries = 5, timeout = "30s")]
/// mod mails {
///     use simple_queue::prelude::*;
///
///     #[job]
///     pub async fn send_invoice(order_id: i64) {}
///
///     #[job(retries = 0, tags("password"))]
///     pub async fn send_password(user_id: i64) {}
/// }
///
/// # fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
/// queue.register(jobs![mails::SendInvoice, mails::SendPassword], ())?;
/// # Ok(())
/// # }
/// # use simple_queue::{JobOptions, typed::JobPayload};
/// # let common = JobOptions::new().timeout(std::time::Duration::from_secs(30));
/// # assert_eq!(mails::SendInvoice::QUEUE, "emails");
/// # assert_eq!(mails::SendInvoice::OPTIONS, common.retries(5));
/// # assert_eq!(mails::SendPassword::OPTIONS, common.retries(0).tags(&["password"]));
/// ```
pub use simple_queue_macros::job_defaults;
/// Makes a test of an `async fn` that takes a [`TestQueue`](testing::TestQueue), a `PgPool`, or both; see
/// [`testing`].
#[cfg(all(feature = "testing", feature = "embedded"))]
pub use simple_queue_macros::test;
pub use simple_queue_macros::{JobState, jobs};
pub use stats::Histogram;
pub use store::{Role, Why};
#[cfg(feature = "janitor")]
pub use worker::start_with_janitor;
pub use worker::{Starting, WorkerHandle, shutdown_signal, start, start_without_janitor};

/// The driver, in the version whose pools and transactions this library takes.
pub use sqlx;

/// Traits and types that the macros implement or name. Programs rarely name them.
pub mod typed {
    #[cfg(feature = "cron")]
    pub use crate::job::DeclaredSchedule;
    pub use crate::{
        enqueue::EnqueueOnConnection,
        job::{IntoState, JobPayload, NamedLimit, Provide, StoredArgument},
        outcome::{HandlerError, IntoOutcome, JobOutput, Outcome},
        queue::{JobHandler, JobList, JobSet, StatefulHandler, TypedHandler},
    };
}

/// Back-off and permits of the plain interface.
pub mod sync {
    pub use crate::{
        job::BackoffStrategy,
        queue::strategy::{InstantStrategy, JobStrategy, JobStrategyError, Permit, PermitFuture},
    };
}

/// Creates the tables in the schema `simple_queue`; see [`SimpleQueue::migrate`].
///
/// # Errors
/// When the database cannot be reached or the user may not create a schema in it.
pub async fn setup(pool: &sqlx::PgPool) -> Result<(), Error> {
    SimpleQueue::new(pool.clone()).migrate().await
}

/// Creates the tables like [`setup`], in the database of a URL.
///
/// # Errors
/// Those of [`setup`], and when the URL cannot be parsed.
pub async fn setup_from_url(url: &str) -> Result<(), Error> {
    SimpleQueue::connect(url).await?.migrate().await
}
