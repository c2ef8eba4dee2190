//! A queue that is put together before there is one: all settings, checked where they meet.

mod check;

use std::{fmt, sync::Arc, time::Duration};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{SimpleQueue, config::Config, strategy::JobStrategy};
use crate::{
    Error,
    database::{Schema, Servers, parse_url},
    job::{Backoff, Retention},
};

/// Where the database of a queue is: a pool of yours, or a URL. [`SimpleQueue::builder`] takes what becomes one.
#[derive(Clone)]
pub struct Database(Place);

#[derive(Clone)]
enum Place {
    Pool(PgPool),
    Url(String),
}

impl From<PgPool> for Database {
    fn from(pool: PgPool) -> Self {
        Self(Place::Pool(pool))
    }
}

impl From<&PgPool> for Database {
    fn from(pool: &PgPool) -> Self {
        pool.clone().into()
    }
}

impl From<String> for Database {
    fn from(url: String) -> Self {
        Self(Place::Url(url))
    }
}

impl From<&String> for Database {
    fn from(url: &String) -> Self {
        url.clone().into()
    }
}

impl From<&str> for Database {
    fn from(url: &str) -> Self {
        url.to_owned().into()
    }
}

/// The URL is left out: it may hold a password.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Place::Pool(_) => "Database(pool)",
            Place::Url(_) => "Database(URL)",
        })
    }
}

/// The settings of a [`SimpleQueue`] that is to be built; [`SimpleQueue::builder`] makes one.
#[derive(Clone)]
#[must_use = "a queue is there only when `build` or `connect` is called"]
pub struct SimpleQueueBuilder {
    database: Database,
    schema: Option<String>,
    servers: Option<Vec<PgConnectOptions>>,
    direct_url: Option<String>,
    statement_timeout: Duration,
    config: Config,
    /// It was said, and is not what comes of the other settings.
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
            is_default_permits_set: false,
        }
    }

    /// Puts the tables into another schema than `simple_queue`; several queues can share a database this way.
    pub fn schema(self, name: impl Into<String>) -> Self {
        Self { schema: Some(name.into()), ..self }
    }

    /// Names the servers on which the database may be; the queue follows the one that is writable. A URL may
    /// name several servers itself.
    ///
    /// When a connection breaks, or a server says that it is read-only, the others are asked, and the pool
    /// and the worker move to the first that is writable. A server that is writable is not left, so a
    /// primary that others have replaced must be kept from coming back as one. While nothing fails nothing
    /// is asked.
    ///
    /// Your own statements on the pool reach the new server from then on; one that was under way fails.
    pub fn servers(self, servers: impl IntoIterator<Item = PgConnectOptions>) -> Self {
        Self { servers: Some(servers.into_iter().collect()), ..self }
    }

    /// Names the server itself, where the pool leads to it through a pooler such as pgbouncer.
    ///
    /// Listening for notifications, and the migrations, need a session of their own, which a pooler that
    /// lends sessions for a transaction does not give. Without this URL a worker looks for jobs at the pace
    /// of [`SimpleQueueBuilder::poll_interval`], and says so once; [`SimpleQueue::migrate`] is refused.
    pub fn direct_url(self, url: impl Into<String>) -> Self {
        Self { direct_url: Some(url.into()), ..self }
    }

    /// Sets how long a statement of the library's own may take; 10 seconds by default, from 100 ms to an hour.
    ///
    /// The server ends one that takes longer, and two seconds later the client gives up the wait, so this
    /// is also how soon a connection is given up of which the other end has vanished.
    pub fn statement_timeout(self, limit: Duration) -> Self {
        Self { statement_timeout: limit, ..self }
    }

    /// Sets how many jobs this process runs at once, of all queues together; 500 by default.
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

    /// Sets how many jobs this process runs at once of each queue without permits of its own; 100 by default.
    #[doc(alias = "with_queue_default_semaphore_size")]
    pub fn default_queue_permits(mut self, permits: usize) -> Self {
        self.is_default_permits_set = true;
        self.configured(|config| config.default_queue_permits = permits)
    }

    /// Sets the rules by which a job of one queue gets its last permit.
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

    /// Sets the strategy of queues without one of their own; by default every job may start.
    #[doc(alias = "with_default_queue_strategy")]
    pub fn default_strategy(self, strategy: impl JobStrategy + 'static) -> Self {
        self.configured(|config| config.default_strategy = Some(Arc::new(strategy)))
    }

    /// Sets how long jobs of one queue wait between attempts, where their declaration does not say.
    #[doc(alias = "with_queue_backoff_strategy")]
    pub fn queue_backoff(self, queue: impl Into<String>, backoff: impl Into<Backoff>) -> Self {
        self.configured(|config| {
            config.queue_backoffs.insert(queue.into(), backoff.into());
        })
    }

    /// Sets how long jobs wait between attempts where neither their declaration nor their queue says;
    /// five seconds more each time by default.
    #[doc(alias = "with_default_backoff_strategy")]
    pub fn default_backoff(self, backoff: impl Into<Backoff>) -> Self {
        self.configured(|config| config.default_backoff = backoff.into())
    }

    /// Sets how often a worker says that it lives; every 5 seconds by default, from 10 ms to a day. A process
    /// that was silent for six intervals is taken for dead and its jobs are returned.
    #[doc(alias = "with_heartbeat_interval")]
    pub fn heartbeat_interval(self, interval: Duration) -> Self {
        self.configured(|config| config.heartbeat_interval = interval)
    }

    /// Sets how often an idle worker looks for jobs when it cannot be notified; every second by default, from
    /// 10 ms to a day. While it can, it looks every 30 seconds.
    #[doc(alias = "with_empty_poll_sleep")]
    pub fn poll_interval(self, interval: Duration) -> Self {
        self.configured(|config| config.empty_poll_sleep = interval)
    }

    /// Sets how often a job may be put off, by its handler or by a strategy, without using an attempt before it
    /// is a `bad_job`; any number by default, because that is what the handler asks for.
    #[doc(alias = "with_max_reprocess_count")]
    pub fn max_snoozes(self, count: usize) -> Self {
        self.configured(|config| {
            config.max_reprocess_count = Some(i32::try_from(count).unwrap_or(i32::MAX));
        })
    }

    /// Sets how many processes may die while they run a job before it is a `bad_job`; 5 by default.
    #[doc(alias = "with_max_crash_count")]
    pub fn max_crashes(self, count: usize) -> Self {
        self.configured(|config| {
            config.max_crash_count = i32::try_from(count).unwrap_or(i32::MAX);
        })
    }

    /// Sets how long a fetched job may wait for a permit before it is given back: one that was fetched ahead of
    /// need, or whose strategy takes its time; 500 ms by default.
    #[doc(alias = "with_hold_queue_semaphore")]
    pub fn permit_timeout(self, timeout: Duration) -> Self {
        self.configured(|config| config.permit_patience = timeout)
    }

    /// Sets how long a cancelled job may go on before it is dropped at its next `.await`; 5 seconds by default.
    #[doc(alias = "with_cancel_grace")]
    pub fn cancel_grace(self, grace: Duration) -> Self {
        self.configured(|config| config.cancel_grace = grace)
    }

    /// Sets how often the janitor looks after the history; every minute by default, from 10 ms to a day, for the
    /// first time within five seconds of the start.
    #[cfg(feature = "janitor")]
    #[doc(alias = "with_janitor_interval")]
    pub fn janitor_interval(self, interval: Duration) -> Self {
        self.configured(|config| config.janitor_interval = interval)
    }

    /// Sets how long the history is kept, or that none is; see [`Retention`] for the defaults.
    #[doc(alias = "with_retention")]
    pub fn retention(self, retention: Retention) -> Self {
        self.configured(|config| config.retention = retention)
    }

    fn configured(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }
}

/// # Building
impl SimpleQueueBuilder {
    /// Checks the settings and makes the queue, without connecting to the database.
    ///
    /// # Errors
    /// [`Error::InvalidSettings`] names all settings that are out of their range or contradict others, with their
    /// values; [`Error::InvalidUrl`] and [`Error::InvalidSchema`] say what is wrong with those.
    pub fn build(self) -> Result<SimpleQueue, Error> {
        let schema = self.schema.as_deref().map_or_else(|| Ok(Schema::default()), Schema::new)?;
        // At least one.
        let of_url = match &self.database.0 {
            Place::Pool(_) => None,
            Place::Url(url) => Some(parse_url(url)?),
        };
        let direct = self.direct_url.as_deref().map(parse_url).transpose()?;
        let problems = check::problems(&self, of_url.as_deref(), direct.as_deref());
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
        Ok(SimpleQueue::from_parts(servers, schema, self.config))
    }

    /// Checks the settings, makes the queue, and connects it to the database.
    ///
    /// # Errors
    /// As [`SimpleQueueBuilder::build`]; and [`Error::Unreachable`], at once, when no server can be connected to.
    pub async fn connect(self) -> Result<SimpleQueue, Error> {
        let queue = self.build()?;
        queue.servers().reach().await?;
        queue.servers().acquire().await.map_err(Error::database("connect"))?;
        Ok(queue)
    }
}

/// A connection that broke while it was idle is noticed by the statement that meets it, and repeated; to ask each
/// time whether it still is there would cost every enqueue a round trip.
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
