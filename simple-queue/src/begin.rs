//! Constructors of a queue, and the start of its worker. The first module, so that the
//! documentation of [`SimpleQueue`] begins with it.

use std::{pin::pin, time::Duration};

use sqlx::PgPool;

use crate::{
    Error,
    queue::{Database, SimpleQueue, SimpleQueueBuilder},
    worker::{Starting, start, started},
};

/// # Making and starting
impl SimpleQueue {
    /// Creates a builder with settings of your own, for a pool of yours or a URL.
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

    /// Creates a queue on a pool of yours, in the schema `simple_queue`.
    ///
    /// Jobs are enqueued, cancelled and looked up through a few connections beside the pool. Mostly
    /// one or two are open. The pool is used while those are busy, or if the server gives none. A
    /// worker opens connections of its own, too. All have the pool's options, and handlers that use
    /// up the pool do not delay them.
    pub fn new(pool: PgPool) -> Self {
        Self::of_pool(pool)
    }

    /// Creates a queue on a pool of its own.
    ///
    /// The URL may name several servers, `postgres://app@one:5432,two:5432/app`; the queue follows
    /// the writable one, see [`servers`](crate::SimpleQueueBuilder::servers).
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] when the URL cannot be parsed, and [`Error::Unreachable`] immediately
    /// when no server accepts a connection.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder(url).connect().await
    }

    /// Starts a worker; the returned future is ready when the worker polls for jobs.
    pub fn start(&self) -> Starting {
        start(self)
    }

    /// Runs the worker until `stop` resolves. Running jobs then get 30 seconds; unfinished ones go
    /// back to the queue.
    ///
    /// # Errors
    /// [`Error::WorkerEnded`] when the worker ended by itself. Operating errors, such as a database
    /// that is away, are logged and retried.
    ///
    /// # Cancel safety
    /// When the future is dropped, the worker goes on; it ends with the runtime.
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
