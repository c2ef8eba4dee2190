//! Where a program begins: a queue is made, and its worker started. The first module, so that the documentation of
//! [`SimpleQueue`] begins with it.

use std::{pin::pin, time::Duration};

use sqlx::PgPool;

use crate::{
    Error,
    queue::{Database, SimpleQueue, SimpleQueueBuilder},
    worker::{Starting, start, started},
};

/// # Making and starting
impl SimpleQueue {
    /// Begins a queue with settings of its own: on a pool of yours, or on one that is made for a URL.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use simple_queue::{Retention, prelude::*};
    ///
    /// # async fn example(pool: sqlx::PgPool) -> Result<(), simple_queue::Error> {
    /// let queue = SimpleQueue::builder(pool)
    ///     .schema("jobs_of_the_shop")
    ///     .permits(200)
    ///     .queue_permits("emails", 20)
    ///     .retention(Retention::default().archive(Duration::from_hours(24 * 7)))
    ///     .build()?;
    ///
    /// let other = SimpleQueue::builder("postgres://one,two/app").permits(50).connect().await?;
    /// # drop((queue, other));
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(database: impl Into<Database>) -> SimpleQueueBuilder {
        SimpleQueueBuilder::new(database.into())
    }

    /// A queue on a pool of yours, in the schema `simple_queue`.
    ///
    /// Jobs are enqueued, cancelled and looked for through a few connections beside the pool, of which mostly one or
    /// two are open, and through the pool where those are in use or the server gives none. A worker opens some of
    /// its own, too. All have the pool's options, and handlers that use up the pool do not hold them up.
    pub fn new(pool: PgPool) -> Self {
        Self::of_pool(pool)
    }

    /// A queue on a pool of its own.
    ///
    /// Several servers may be named, `postgres://app@one:5432,two:5432/app`; the queue follows the one that
    /// is writable, see [`servers`](crate::SimpleQueueBuilder::servers).
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] when the URL cannot be read, and [`Error::Unreachable`], at once, when no server can be
    /// connected to.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder(url).connect().await
    }

    /// Starts a worker; what is returned is ready when it looks for jobs.
    pub fn start(&self) -> Starting {
        start(self)
    }

    /// Works until the future is ready, whatever it says, then stops: what still runs after 30 seconds is
    /// given back.
    ///
    /// # Errors
    /// [`Error::WorkerEnded`] when the worker ended by itself. What fails while working, such as a database that is
    /// away, is retried and logged.
    ///
    /// # Cancel safety
    /// When it is dropped the worker goes on; it ends with the runtime.
    pub async fn run_until(&self, stop: impl Future) -> Result<(), Error> {
        const DEADLINE: Duration = Duration::from_secs(30);
        let mut stop = pin!(stop);
        let worker = tokio::select! {
            worker = started(self.clone()) => worker,
            _ = &mut stop => return Ok(()),
        };
        let ended = tokio::select! {
            _ = stop => Ok(()),
            error = worker.stopped() => Err(error),
        };
        worker.shutdown(DEADLINE).await;
        ended
    }
}
