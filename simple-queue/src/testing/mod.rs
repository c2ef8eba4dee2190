//! Tests of programs with jobs, on the real queue.
//!
//! [`guide::testing`](crate::guide::testing) shows all of it on one page. Put the feature in the
//! `[dev-dependencies]`:
//!
//! ```toml
//! [dev-dependencies]
//! simple-queue = { version = "0.3", features = ["testing"] }
//! ```
//!
//! | to | use |
//! |---|---|
//! | have a queue with its tables | [`TestQueue::new`], or `#[simple_queue::test]` without a server of your own |
//! | see what was enqueued | [`assert_enqueued!`], [`refute_enqueued!`], [`TestQueue::enqueued`], [`enqueued_during`] |
//! | run it | [`TestQueue::drain`]; [`TestQueue::start`] with [`TestQueue::spy`] |
//! | let time pass | [`TestQueue::advance`] |
//! | run one job without a database | [`RunJob::run`] |
//! | call a function by hand | [`job_context`], [`job_tx`] |
//! | check the stored form | [`round_trips`], [`assert_schema!`](crate::assert_schema) |
//!
//! There is no mode and no queue in memory: jobs are stored, claimed, run and finished as they are in
//! production. All functions panic where a test has to fail.

// The order of the modules is that of a test: a queue, what is enqueued, what runs.
mod queue;

mod during;
mod expect;

mod advance;
mod drain;
mod drain_in;
mod drained;
mod run;
#[cfg(feature = "cron")]
mod schedules;
mod spy;
mod worker;

mod alone;
mod context;
mod round_trip;
mod times;

#[cfg(feature = "embedded")]
mod database;

pub use alone::{AloneRun, RunAlone, RunJob};
pub use context::{TestContext, job_context, job_tx};
#[cfg(feature = "embedded")]
#[doc(hidden)]
pub use database::{TestArgument, run_test};
pub use drain::Drain;
pub use drained::{Drained, Left};
pub use during::{EnqueuedJobs, enqueued, enqueued_during};
#[doc(hidden)]
pub use expect::{Differences, Miss, Shown, ShownDebug, ShownFallback, expect, refute};
pub use expect::{EnqueuedJob, Expected};
pub use queue::TestQueue;
pub use round_trip::round_trips;
pub use run::{Outcome, Run};
pub use spy::Spy;
pub use times::{days, hours, millis, mins, secs};
pub use worker::TestWorker;

#[doc(inline)]
pub use crate::{assert_enqueued, refute_enqueued};
