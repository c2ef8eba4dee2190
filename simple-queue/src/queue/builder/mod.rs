//! Builder of a queue. It collects all settings and checks them together.

mod check;
mod database;
mod sharing;

use std::{fmt, sync::Arc, time::Duration};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{SimpleQueue, config::Config, strategy::JobStrategy};
use crate::{
    Error,
    database::{Schema, Servers, parse_url},
    enqueue::{Spool, spool::PreparedSpool},
    job::{Backoff, Retention},
};

pub use database::Database;
use database::Place;

/// Settings of a [`SimpleQueue`] that is not built yet; [`SimpleQueue::builder`] creates one.
#[derive(Clone)]
#[must_use = "there is no queue before `build` or `connect` is called"]
pub struct SimpleQueueBuilder {
    database: Database,
    schema: Option<String>,
    servers: Option<Vec<PgConnectOptions>>,
    direct_url: Option<String>,
    statement_timeout: Duration,
    config: Config,
    spool: Option<Spool>,
    /// Whether the caller set `default_queue_permits`; otherwise it follows from the other settings.
    is_default_permits_set: bool,
}

/// # Settings
impl SimpleQueueBuilder {
    pub(crate) fn new(database: Database) -> Self {
        Self {
            database,
            schema: None,
            servers: None,
            direct_url: None,
            statement_timeout: Servers::STATEMENT_TIMEOUT,
            config: Config::default(),
            spool: None,
            is_default_permits_set: false,
        }
    }

    /// Sets the schema of the tables; `simple_queue` by default. Several queues can share a
    /// database this way.
    pub fn schema(self, name: impl Into<String>) -> Self {
        Self { schema: Some(name.into()), ..self }
    }

    /// Sets the servers on which the database may be; the queue follows the one that is writable. A
    /// URL may name several servers itself.
    ///
    /// When a connection breaks, or a server reports that it is read-only, the queue asks the other
    /// servers. The pool and the worker move to the first one that is writable. The queue never
    /// leaves a writable server, so prevent a replaced primary from coming back as one. The queue
    /// asks nothing while nothing fails.
    ///
    /// After a move your own statements on the pool reach the new server. A statement in flight
    /// during the move fails.
    pub fn servers(self, servers: impl IntoIterator<Item = PgConnectOptions>) -> Self {
        Self { servers: Some(servers.into_iter().collect()), ..self }
    }

    /// Sets the URL of the server itself, for a pool that connects through a pooler such as
    /// pgbouncer.
    ///
    /// LISTEN and the migrations need a session of their own. A pooler that lends sessions for one
    /// transaction does not give one. Without this URL a worker polls at
    /// [`SimpleQueueBuilder::poll_interval`] and logs that once, and [`SimpleQueue::migrate`]
    /// returns an error.
    pub fn direct_url(self, url: impl Into<String>) -> Self {
        Self { direct_url: Some(url.into()), ..self }
    }

    /// Sets the timeout of the library's own statements; 10 seconds by default, from 100 ms to an
    /// hour.
    ///
    /// The server ends a statement that takes longer. Two seconds after that the client gives up
    /// the wait, so this timeout also bounds how long a dead connection goes unnoticed.
    pub fn statement_timeout(self, limit: Duration) -> Self {
        Self { statement_timeout: limit, ..self }
    }

    /// Sets a directory for jobs that cannot be enqueued because the database is away; none by default.
    ///
    /// An enqueue on the queue itself that cannot reach the database then writes its job to a file,
    /// and [`is_spooled`](crate::Enqueued::is_spooled) of its answer is true. The jobs are stored when
    /// the database is back: by this process or, if it has died, by any other with the same
    /// directory. [`guide::spool`](crate::guide::spool) says which jobs, and what to expect.
    ///
    /// ```no_run
    /// use simple_queue::{Spool, prelude::*};
    ///
    /// # #[job]
    /// # async fn send_welcome(user_id: i64) {}
    /// # async fn example(pool: sqlx::PgPool) -> Result<(), simple_queue::Error> {
    /// let queue = SimpleQueue::builder(pool).spool(Spool::at("/var/lib/app/spool")).build()?;
    /// if SendWelcome::new(42).enqueue(&queue).await?.is_spooled() {
    ///     eprintln!("stored when the database is back");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn spool(self, spool: Spool) -> Self {
        Self { spool: Some(spool), ..self }
    }

    /// Sets how many jobs this process runs at once, over all queues; 500 by default.
    #[doc(alias = "with_global_semaphore")]
    pub fn permits(self, permits: usize) -> Self {
        self.configured(|config| config.global_permits = permits)
    }

    /// Sets how many jobs of one queue this process runs at once.
    #[doc(alias = "with_queue_semaphore")]
    pub fn queue_permits(self, queue: impl Into<String>, permits: usize) -> Self {
        self.configured(|config| {
            config.queue_permits.insert(queue.into(), permits);
        })
    }

    /// Sets how many jobs this process runs at once of each queue that has no permits of its own;
    /// 100 by default.
    #[doc(alias = "with_queue_default_semaphore_size")]
    pub fn default_queue_permits(mut self, permits: usize) -> Self {
        self.is_default_permits_set = true;
        self.configured(|config| config.default_queue_permits = permits)
    }

    /// Sets the strategy of one queue: rules that decide whether a fetched job may start.
    #[doc(alias = "with_queue_strategy")]
    pub fn queue_strategy(
        self,
        queue: impl Into<String>,
        strategy: impl JobStrategy + 'static,
    ) -> Self {
        self.configured(|config| {
            config.queue_strategies.insert(queue.into(), Arc::new(strategy));
        })
    }

    /// Sets the strategy of queues that have none of their own; by default every job may start.
    #[doc(alias = "with_default_queue_strategy")]
    pub fn default_strategy(self, strategy: impl JobStrategy + 'static) -> Self {
        self.configured(|config| config.default_strategy = Some(Arc::new(strategy)))
    }

    /// Sets the back-off of one queue, for jobs whose declaration sets none.
    #[doc(alias = "with_queue_backoff_strategy")]
    pub fn queue_backoff(self, queue: impl Into<String>, backoff: impl Into<Backoff>) -> Self {
        self.configured(|config| {
            config.queue_backoffs.insert(queue.into(), backoff.into());
        })
    }

    /// Sets the back-off for jobs whose declaration and queue set none; by default each wait is
    /// five seconds longer than the one before.
    #[doc(alias = "with_default_backoff_strategy")]
    pub fn default_backoff(self, backoff: impl Into<Backoff>) -> Self {
        self.configured(|config| config.default_backoff = backoff.into())
    }

    /// Sets the interval of a worker's heartbeat; 5 seconds by default, from 10 ms to a day. A
    /// process that is silent for six intervals counts as dead and its jobs are returned.
    #[doc(alias = "with_heartbeat_interval")]
    pub fn heartbeat_interval(self, interval: Duration) -> Self {
        self.configured(|config| config.heartbeat_interval = interval)
    }

    /// Sets how often an idle worker polls when it cannot use LISTEN; every second by default, from
    /// 10 ms to a day. With LISTEN it polls every 30 seconds.
    #[doc(alias = "with_empty_poll_sleep")]
    pub fn poll_interval(self, interval: Duration) -> Self {
        self.configured(|config| config.empty_poll_sleep = interval)
    }

    /// Sets how often a handler or a strategy may put off a job before it becomes a `bad_job`; no
    /// limit by default. Putting off uses no attempt.
    #[doc(alias = "with_max_reprocess_count")]
    pub fn max_snoozes(self, count: usize) -> Self {
        self.configured(|config| {
            config.max_reprocess_count = Some(i32::try_from(count).unwrap_or(i32::MAX));
        })
    }

    /// Sets how many processes may die while they run a job before it becomes a `bad_job`; 5 by
    /// default.
    #[doc(alias = "with_max_crash_count")]
    pub fn max_crashes(self, count: usize) -> Self {
        self.configured(|config| {
            config.max_crash_count = i32::try_from(count).unwrap_or(i32::MAX);
        })
    }

    /// Sets how long a fetched job may wait for a permit before it is given back; 500 ms by default,
    /// from 10 ms to a day. A job waits if it was prefetched, or while its strategy decides.
    #[doc(alias = "with_hold_queue_semaphore")]
    pub fn permit_timeout(self, timeout: Duration) -> Self {
        self.configured(|config| config.permit_patience = timeout)
    }

    /// Sets how long a cancelled job may go on before it is dropped at its next `.await`; 5 seconds
    /// by default.
    #[doc(alias = "with_cancel_grace")]
    pub fn cancel_grace(self, grace: Duration) -> Self {
        self.configured(|config| config.cancel_grace = grace)
    }

    /// Sets the interval of the janitor; every minute by default, from 10 ms to a day. The first
    /// pass follows within five seconds of the start.
    #[cfg(feature = "janitor")]
    #[doc(alias = "with_janitor_interval")]
    pub fn janitor_interval(self, interval: Duration) -> Self {
        self.configured(|config| config.janitor_interval = interval)
    }

    /// Sets how long the history is kept, or that none is kept; see [`Retention`] for the defaults.
    #[doc(alias = "with_retention")]
    pub fn retention(self, retention: Retention) -> Self {
        self.configured(|config| config.retention = retention)
    }

    /// Sets whether the worker counts its runs, for [`stats`](SimpleQueue::stats), and takes part in
    /// counting what waits, for [`queues`](SimpleQueue::queues). It does by default: runs are counted
    /// in memory, and a few statements are sent each minute.
    pub fn stats(self, counted: bool) -> Self {
        self.configured(|config| config.stats = counted)
    }

    fn configured(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }
}

/// # Building
impl SimpleQueueBuilder {
    /// Checks the settings and builds the queue, without a connection to the database.
    ///
    /// # Errors
    /// [`Error::InvalidSettings`] lists all settings that are out of range or contradict others,
    /// with their values, and says why the directory of a spool cannot be used. [`Error::InvalidUrl`] and [`Error::InvalidSchema`] say what is wrong with
    /// the URL and the schema.
    pub fn build(self) -> Result<SimpleQueue, Error> {
        let schema = self.schema.as_deref().map_or_else(|| Ok(Schema::default()), Schema::new)?;
        // At least one.
        let of_url = match &self.database.0 {
            Place::Pool(_) => None,
            Place::Url(url) => Some(parse_url(url)?),
        };
        let direct = self.direct_url.as_deref().map(parse_url).transpose()?;
        let mut problems = check::problems(&self, of_url.as_deref(), direct.as_deref());
        let spool = self.spool.map(PreparedSpool::new).transpose();
        let spool = spool.unwrap_or_else(|of_spool| {
            problems.extend(of_spool);
            None
        });
        if !problems.is_empty() {
            return Err(Error::InvalidSettings { problems });
        }
        let pool = match self.database.0 {
            Place::Pool(pool) => pool,
            Place::Url(_) => pool_of(of_url.as_deref().unwrap_or_default()),
        };
        let servers = Servers::of(pool);
        servers.set_statement_timeout(self.statement_timeout);
        let candidates = self.servers.or_else(|| of_url.filter(|servers| servers.len() > 1));
        if let Some(candidates) = candidates {
            servers.set_candidates(candidates);
        }
        if let Some(direct) = direct.and_then(|direct| direct.into_iter().next()) {
            servers.set_direct(direct);
        }
        let queue = SimpleQueue::from_parts(servers, schema, self.config, spool);
        queue.flush_spool_in_background();
        Ok(queue)
    }

    /// Checks the settings, builds the queue, and connects it to the database.
    ///
    /// # Errors
    /// Those of [`SimpleQueueBuilder::build`], and [`Error::Unreachable`] immediately when no
    /// server accepts a connection.
    pub async fn connect(self) -> Result<SimpleQueue, Error> {
        let queue = self.build()?;
        queue.servers().reach().await?;
        queue.servers().acquire().await.map_err(Error::database("connect"))?;
        Ok(queue)
    }
}

/// The pool does not test a connection before use: the test would cost every enqueue a round trip.
/// A statement that meets a connection which broke while idle is sent again.
fn pool_of(servers: &[PgConnectOptions]) -> PgPool {
    PgPoolOptions::new().test_before_acquire(false).connect_lazy_with(servers[0].clone())
}

impl fmt::Debug for SimpleQueueBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimpleQueueBuilder")
            .field("database", &self.database)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}
