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
//! `#[simple_queue::test]`, with the feature `embedded`, gives an `async fn` a database of its own, on a
//! private server that is started once for the process, or on that of `DATABASE_URL`. The function takes
//! a [`TestQueue`], a `PgPool`, or both; both lead to the same database, which is dropped at the end.
//!
//! ```
//! use simple_queue::{prelude::*, testing::TestQueue};
//!
//! #[job(queue = "emails")]
//! async fn send_welcome(user_id: i64) {}
//!
//! # #[cfg(feature = "embedded")]
//! #[simple_queue::test]
//! async fn a_welcome_is_sent(queue: TestQueue) {
//!     queue.register(jobs![SendWelcome], ()).unwrap();
//!     SendWelcome::new(42).enqueue(&queue).await.unwrap();
//!     queue.drain().await.expect_completed(1);
//! }
//! ```
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

#[doc(hidden)]
pub use crate::{__expected_of_enqueued as expected_of, __look_for_enqueued as look_for};
#[doc(inline)]
pub use crate::{assert_enqueued, refute_enqueued};
