//! A queue for a test.

use std::{fmt, ops::Deref, sync::Arc, time::Duration};

use sqlx::{PgPool, Postgres, Transaction};

use super::{Drain, Drained, Spy, TestWorker, advance::Passed};
use crate::{
    SimpleQueue,
    enqueue::{EnqueueOn, Target},
    job::{IntoState, JobPayload},
    queue::{JobList, JobSet},
    worker::start_without_janitor,
};

/// A queue for a test, with its tables. It derefs to [`SimpleQueue`], so jobs are enqueued on it,
/// paused, found and cancelled as on any queue.
///
/// ```
/// # use simple_queue::{prelude::*, testing::TestQueue};
/// # #[job(queue = "emails")]
/// # async fn send_welcome(user_id: i64) {}
/// # async fn example(pool: sqlx::PgPool) {
/// let queue = TestQueue::new(&pool, jobs![SendWelcome], ()).await;
/// SendWelcome::new(42).enqueue(&queue).await.unwrap();
/// queue.drain().await.expect_completed(1);
/// # }
/// ```
///
/// Nothing runs unless [`drain`](TestQueue::drain) or [`start`](TestQueue::start) says so. The
/// drop closes its connections, so that `#[sqlx::test]` can drop the database.
pub struct TestQueue {
    queue: SimpleQueue,
    passed: Passed,
}

/// 10 ms and 1 s: a worker of a test looks for jobs and tells that it lives so often.
const POLL: Duration = Duration::from_millis(10);
const HEARTBEAT: Duration = Duration::from_secs(1);

impl TestQueue {
    /// Creates the tables in the schema `simple_queue` of the pool's database, if they are not
    /// there, and registers these jobs with their state.
    ///
    /// # Panics
    /// When that fails, as all functions of this module.
    pub async fn new<I: IntoState<State = S>, S, T: JobSet<S>>(
        pool: &PgPool,
        jobs: JobList<T>,
        state: I,
    ) -> Self {
        let queue = Self::of(&SimpleQueue::new(pool.clone())).await;
        if let Err(error) = queue.register(jobs, state) {
            panic!("{error}");
        }
        #[cfg(feature = "cron")]
        queue.declare_schedules().await;
        queue
    }

    /// Creates one with the settings of a queue of yours, its schema and its handlers, and creates
    /// the tables if they are not there.
    ///
    /// ```
    /// # use simple_queue::{prelude::*, testing::TestQueue};
    /// # async fn example(pool: sqlx::PgPool) -> Result<(), simple_queue::Error> {
    /// let queue = SimpleQueue::builder(pool).schema("jobs_of_the_shop").max_snoozes(3).build()?;
    /// let queue = TestQueue::of(&queue).await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// When the tables cannot be created.
    pub async fn of(queue: &SimpleQueue) -> Self {
        let queue = queue.beside(|config, _registry| {
            config.empty_poll_sleep = POLL;
            config.heartbeat_interval = HEARTBEAT;
            config.stats = false;
        });
        create_tables(&queue).await;
        let queue = Self { queue, passed: Passed::default() };
        #[cfg(feature = "cron")]
        queue.declare_schedules().await;
        queue
    }

    /// Runs the jobs that are due, and those that they enqueue, on a real worker, until nothing is
    /// due and nothing runs. Then the worker is stopped.
    ///
    /// ```
    /// # use simple_queue::{prelude::*, testing::TestQueue};
    /// # #[job]
    /// # async fn send_welcome(user_id: i64) {}
    /// # async fn example(queue: TestQueue) {
    /// let drained = queue.drain().await;
    /// assert!(drained.runs[0].error.is_none());
    ///
    /// queue.drain().including_later().of::<SendWelcome>().at_most(10).await;
    /// # }
    /// ```
    ///
    /// A job that fails is one of the [`runs`](super::Drained::runs), with its error. Jobs that are
    /// due and cannot start, because their queue is paused or their limit is full, are left after
    /// a third of a second, under a limit that all processes share after a second.
    pub fn drain(&self) -> Drain<'_> {
        Drain::new(&self.queue, &self.passed)
    }

    /// Runs the jobs that are due in a transaction of the test, one after another, and those that they
    /// enqueue. Nothing is visible outside of it, and nothing stays when it is rolled back.
    ///
    /// ```
    /// # use simple_queue::{prelude::*, testing::{TestQueue, refute_enqueued}};
    /// # #[job]
    /// # async fn send_welcome(user_id: i64) {}
    /// # async fn example(queue: TestQueue, pool: sqlx::PgPool) {
    /// let mut tx = pool.begin().await.unwrap();
    /// SendWelcome::new(42).enqueue(&mut tx).await.unwrap();
    /// queue.drain_in(&mut tx).await.expect_completed(1);
    /// refute_enqueued!(&mut tx, SendWelcome { .. });
    /// tx.rollback().await.unwrap();
    /// # }
    /// ```
    ///
    /// A [`JobTx`](crate::JobTx) is a savepoint of the transaction, and what is enqueued on the context
    /// is enqueued in it. A handler that uses a pool does not see it: for such handlers each test
    /// has a database of its own. Jobs with a limit for each key are left.
    ///
    /// # Panics
    /// When the database fails, and when a function is dropped together with its `JobTx`, by a panic
    /// or a timeout: the transaction is lost then.
    pub async fn drain_in(&self, tx: &mut Transaction<'static, Postgres>) -> Drained {
        super::drain_in::drain_in(&self.queue, tx).await
    }

    /// Lets time pass for what waits: jobs become due and expire, schedules fire, the tokens of
    /// rates come, and kept keys become free, all this much earlier.
    ///
    /// ```
    /// # use simple_queue::{prelude::*, testing::{TestQueue, hours}};
    /// # #[job]
    /// # async fn remind(user_id: i64) {}
    /// # async fn example(queue: TestQueue) {
    /// Remind::new(42).delay(hours(24)).enqueue(&queue).await.unwrap();
    /// queue.advance(hours(25)).await;
    /// queue.drain().await.expect_completed(1);
    /// # }
    /// ```
    ///
    /// Each tick that a schedule passes gets its job, as if a worker had been there all the time.
    /// From the first call on, only this moves schedules. A handler that asks for the time gets the
    /// real one. A window of the calendar of a rate ends when its whole length has passed.
    ///
    /// # Panics
    /// When a schedule would pass more than 10,000 ticks, or the database fails.
    pub async fn advance(&self, by: Duration) {
        self.passed.advance(&self.queue, by).await;
    }

    /// Starts a worker, for tests of what happens meanwhile. Stop it with
    /// [`TestWorker::stop`] before the test ends: while it works, the database cannot be dropped.
    pub async fn start(&self) -> TestWorker {
        #[cfg(feature = "cron")]
        self.declare_schedules().await;
        TestWorker::new(start_without_janitor(&self.queue).await)
    }

    /// Returns what sees the runs from now on.
    ///
    /// ```
    /// # use simple_queue::{prelude::*, testing::{TestQueue, secs}};
    /// # #[job]
    /// # async fn send_welcome(user_id: i64) {}
    /// # async fn example(queue: TestQueue) {
    /// let (spy, worker) = (queue.spy(), queue.start().await);
    /// SendWelcome::new(42).enqueue(&queue).await.unwrap();
    /// let run = spy.next::<SendWelcome>(secs(5)).await;
    /// assert!(run.error.is_none());
    /// worker.stop().await;
    /// # }
    /// ```
    pub fn spy(&self) -> Spy {
        Spy::new(Arc::clone(self.queue.run_log()))
    }

    /// Returns the jobs of this kind that wait or run, in the order in which they were enqueued.
    ///
    /// # Panics
    /// When the payload of one cannot be read, or the database fails.
    pub async fn enqueued<J: JobPayload>(&self) -> Vec<J> {
        super::enqueued(self).await
    }

    /// Declares the schedules of the registered jobs, as a worker does.
    #[cfg(feature = "cron")]
    async fn declare_schedules(&self) {
        super::schedules::declare(&self.queue).await;
    }
}

/// Creates the tables at once where there are none, and else brings them up to date.
async fn create_tables(queue: &SimpleQueue) {
    let at_once = async {
        let mut connection = queue.pool().acquire().await?;
        queue.store().create_at_once(&mut connection).await
    };
    // A failure too is the migration's to explain, and another test may have created them at the same moment.
    if !matches!(at_once.await, Ok(true))
        && let Err(error) = queue.migrate().await
    {
        panic!("the tables of the test cannot be made: {error}");
    }
}

impl Deref for TestQueue {
    type Target = SimpleQueue;

    fn deref(&self) -> &SimpleQueue {
        &self.queue
    }
}

impl AsRef<SimpleQueue> for TestQueue {
    fn as_ref(&self) -> &SimpleQueue {
        &self.queue
    }
}

impl<'e> EnqueueOn<'e> for &'e TestQueue {
    fn target(self) -> Target<'e> {
        self.queue.target()
    }
}

/// The state of a handler may hold a clone of the queue, which would keep its connections open.
impl Drop for TestQueue {
    fn drop(&mut self) {
        self.queue.let_go();
    }
}

impl fmt::Debug for TestQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestQueue").field("queue", &self.queue).finish_non_exhaustive()
    }
}
