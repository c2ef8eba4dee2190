#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
// The modules stand in the order of a job's life:
//
//   declare → enqueue → row → fetch → permit → heartbeat → handler → outcome → archive | retry | dead letter
//
// `job` is what is declared, `enqueue` makes it a row, `worker` fetches and runs it, `outcome` says what
// becomes of it, `finalize` writes that, `upkeep` mends what died. Only `store` knows SQL.

mod job;
mod row;
mod store;

mod enqueue;
mod finalize;
mod outcome;
mod upkeep;
mod worker;

#[cfg(feature = "embedded")]
pub mod embedded;
mod error;
pub mod prelude;
mod retries;

#[doc(hidden)]
pub mod private;

pub use enqueue::{Enqueue, EnqueueOn, EnqueueOutcome, Enqueued, On};
pub use error::Error;
pub use job::{
    Backoff, BoxDynError, JobError, JobOptions, JobPayload, JobResult, JobStatus, MAX_KEY_BYTES,
    MAX_PAYLOAD_BYTES, MAX_QUEUE_NAME_BYTES, Provide,
};
pub use outcome::{IntoOutcome, Outcome};
pub use row::{Job, JobExt};
pub use simple_queue_macros::{JobState, job, jobs};
#[cfg(feature = "janitor")]
pub use upkeep::janitor::Retention;
#[cfg(feature = "janitor")]
pub use worker::start_with_janitor;
pub use worker::{
    Handler, JobContext, JobList, JobSet, SimpleQueue, Typed, TypedHandler, WorkerHandle, start,
    start_without_janitor,
};

/// The driver, in the version whose pools and transactions this library takes.
pub use sqlx;

/// Back-off and permits of the plain interface.
pub mod sync {
    pub use crate::{
        job::BackoffStrategy,
        worker::permit::{InstantStrategy, JobStrategy, JobStrategyError, Permit, PermitFuture},
    };
}

/// Makes the tables in the schema `simple_queue`; see [`SimpleQueue::migrate`].
///
/// # Errors
/// When the database cannot be reached or the user may not create a schema in it.
pub async fn setup(pool: &sqlx::PgPool) -> Result<(), Error> {
    SimpleQueue::new(pool.clone()).migrate().await
}

/// As [`setup`], for a database of which the URL is known.
///
/// # Errors
/// As [`setup`], and when the URL cannot be read.
pub async fn setup_from_url(url: &str) -> Result<(), Error> {
    SimpleQueue::connect(url).await?.migrate().await
}
