//! Settings of release 0.2: setters on an existing queue.

use std::{sync::Arc, time::Duration};

use sqlx::postgres::PgConnectOptions;

use super::{
    SimpleQueue,
    config::{Config, INTERVALS, MOST_PERMITS},
    database::STATEMENT_TIMEOUTS,
    strategy::JobStrategy,
};
use crate::{
    Error,
    database::{Schema, parse_url},
    job::{BackoffStrategy, Retention},
};

/// # Settings of the predecessor
///
/// [`SimpleQueue::builder`] has all of these under clearer names and refuses settings that
/// contradict each other. The setters here apply to all clones of the queue, and clamp a value that
/// is out of range. A setter that has no effect after the start of a worker panics then; the others
/// take effect at once.
impl SimpleQueue {
    /// Sets the schema of the tables; [`schema`](crate::SimpleQueueBuilder::schema) of the builder.
    ///
    /// # Errors
    /// [`Error::InvalidSchema`] when the name would need quotes. [`Error::InvalidSettings`] when
    /// handlers are registered already, because the new schema would not have them.
    pub fn with_schema(self, schema: &str) -> Result<Self, Error> {
        let queues = self.queue_names();
        if !queues.is_empty() {
            let problem = format!(
                "`with_schema` is `{schema}`, and handlers of {queues:?} are registered in `{}`: choose the schema \
                 first, with `SimpleQueue::builder`",
                self.store().schema().name()
            );
            return Err(Error::InvalidSettings { problems: vec![problem] });
        }
        let config = Arc::unwrap_or_clone(self.config());
        let spool = self.spooler().map(|spooler| spooler.prepare_another()).transpose();
        let spool = spool.map_err(|problems| Error::InvalidSettings { problems })?;
        Ok(Self::from_parts(self.servers().clone(), Schema::new(schema)?, config, spool))
    }

    /// Sets the servers on which the database may be;
    /// [`servers`](crate::SimpleQueueBuilder::servers) of the builder.
    #[must_use]
    pub fn with_servers(self, servers: impl IntoIterator<Item = PgConnectOptions>) -> Self {
        self.servers().set_candidates(servers.into_iter().collect());
        self
    }

    /// Sets the URL of the server itself, for a pool that connects through a pooler;
    /// [`direct_url`](crate::SimpleQueueBuilder::direct_url) of the builder.
    ///
    /// # Errors
    /// When the URL cannot be parsed, or names several servers: a direct URL does not follow a
    /// failover.
    pub fn with_direct_url(self, url: &str) -> Result<Self, Error> {
        let servers = parse_url(url)?;
        let [server] = servers.as_slice() else {
            let problem = format!("a direct URL names one server, not {}", servers.len());
            return Err(Error::InvalidUrl { problem });
        };
        self.servers().set_direct(server.clone());
        Ok(self)
    }

    /// Sets the timeout of the library's own statements;
    /// [`statement_timeout`](crate::SimpleQueueBuilder::statement_timeout) of the builder.
    ///
    /// # Panics
    /// When a worker has started.
    #[must_use]
    pub fn with_statement_timeout(self, limit: Duration) -> Self {
        self.assert_not_started("with_statement_timeout");
        self.servers().set_statement_timeout(within(limit, STATEMENT_TIMEOUTS));
        self
    }

    /// Sets how many jobs this process runs at once, over all queues;
    /// [`permits`](crate::SimpleQueueBuilder::permits) of the builder.
    #[must_use]
    pub fn with_global_semaphore(self, permits: usize) -> Self {
        self.configured(|config| config.global_permits = permits.clamp(1, MOST_PERMITS))
    }

    /// Sets how many jobs of one queue this process runs at once;
    /// [`queue_permits`](crate::SimpleQueueBuilder::queue_permits) of the builder.
    pub fn with_queue_semaphore(&self, queue: impl Into<String>, permits: usize) -> &Self {
        self.configure(|config| {
            config.queue_permits.insert(queue.into(), permits.clamp(1, MOST_PERMITS));
        });
        self
    }

    /// Sets how many jobs this process runs at once of each queue that has no permits of its own;
    /// [`default_queue_permits`](crate::SimpleQueueBuilder::default_queue_permits) of the builder.
    #[must_use]
    pub fn with_queue_default_semaphore_size(self, permits: usize) -> Self {
        self.configured(|config| config.default_queue_permits = permits.clamp(1, MOST_PERMITS))
    }

    /// Sets the strategy of one queue;
    /// [`queue_strategy`](crate::SimpleQueueBuilder::queue_strategy) of the builder.
    pub fn with_queue_strategy(
        &self,
        queue: impl Into<String>,
        strategy: impl JobStrategy + 'static,
    ) -> &Self {
        self.configure(|config| {
            config.queue_strategies.insert(queue.into(), Arc::new(strategy));
        });
        self
    }

    /// Sets the strategy of queues that have none of their own;
    /// [`default_strategy`](crate::SimpleQueueBuilder::default_strategy) of the builder.
    #[must_use]
    pub fn with_default_queue_strategy(self, strategy: Arc<dyn JobStrategy>) -> Self {
        self.configured(|config| config.default_strategy = Some(strategy))
    }

    /// Sets the back-off for jobs whose declaration and queue set none;
    /// [`default_backoff`](crate::SimpleQueueBuilder::default_backoff) of the builder.
    #[must_use]
    pub fn with_default_backoff_strategy(self, strategy: BackoffStrategy) -> Self {
        self.configured(|config| config.default_backoff = strategy.into())
    }

    /// Sets the back-off of one queue, for jobs whose declaration sets none;
    /// [`queue_backoff`](crate::SimpleQueueBuilder::queue_backoff) of the builder.
    pub fn with_queue_backoff_strategy(
        &self,
        queue: impl Into<String>,
        strategy: BackoffStrategy,
    ) -> &Self {
        self.configure(|config| {
            config.queue_backoffs.insert(queue.into(), strategy.into());
        });
        self
    }

    /// Sets the interval of a worker's heartbeat;
    /// [`heartbeat_interval`](crate::SimpleQueueBuilder::heartbeat_interval) of the builder.
    ///
    /// # Panics
    /// When a worker has started.
    #[must_use]
    pub fn with_heartbeat_interval(self, interval: Duration) -> Self {
        self.before_start("with_heartbeat_interval", |config| {
            config.heartbeat_interval = within(interval, INTERVALS);
        })
    }

    /// Sets how often an idle worker polls when it cannot use LISTEN;
    /// [`poll_interval`](crate::SimpleQueueBuilder::poll_interval) of the builder.
    #[must_use]
    pub fn with_empty_poll_sleep(self, sleep: Duration) -> Self {
        self.configured(|config| config.empty_poll_sleep = within(sleep, INTERVALS))
    }

    /// Sets how often a job may be put off before it becomes a `bad_job`;
    /// [`max_snoozes`](crate::SimpleQueueBuilder::max_snoozes) of the builder.
    #[must_use]
    pub fn with_max_reprocess_count(self, count: usize) -> Self {
        self.configured(|config| {
            config.max_reprocess_count = Some(i32::try_from(count).unwrap_or(i32::MAX));
        })
    }

    /// Sets how many processes may die while they run a job before it becomes a `bad_job`;
    /// [`max_crashes`](crate::SimpleQueueBuilder::max_crashes) of the builder.
    ///
    /// # Panics
    /// When a worker has started.
    #[must_use]
    pub fn with_max_crash_count(self, count: usize) -> Self {
        self.before_start("with_max_crash_count", |config| {
            config.max_crash_count = i32::try_from(count).unwrap_or(i32::MAX);
        })
    }

    /// Sets how long a fetched job may wait for a permit before it is given back;
    /// [`permit_timeout`](crate::SimpleQueueBuilder::permit_timeout) of the builder.
    #[must_use]
    pub fn with_hold_queue_semaphore(self, patience: Duration) -> Self {
        self.configured(|config| config.permit_patience = within(patience, INTERVALS))
    }

    /// Sets how long a cancelled job may go on before it is dropped at its next `.await`;
    /// [`cancel_grace`](crate::SimpleQueueBuilder::cancel_grace) of the builder.
    #[must_use]
    pub fn with_cancel_grace(self, grace: Duration) -> Self {
        self.configured(|config| config.cancel_grace = grace)
    }

    /// Sets the interval of the janitor;
    /// [`janitor_interval`](crate::SimpleQueueBuilder::janitor_interval) of the builder.
    ///
    /// # Panics
    /// When a worker has started.
    #[cfg(feature = "janitor")]
    #[must_use]
    pub fn with_janitor_interval(self, interval: Duration) -> Self {
        self.before_start("with_janitor_interval", |config| {
            config.janitor_interval = within(interval, INTERVALS);
        })
    }

    /// Sets how long the history is kept; [`retention`](crate::SimpleQueueBuilder::retention) of the builder.
    ///
    /// # Panics
    /// When a worker has started.
    #[must_use]
    pub fn with_retention(self, retention: Retention) -> Self {
        self.before_start("with_retention", |config| config.retention = retention)
    }

    fn configure(&self, change: impl FnOnce(&mut Config)) {
        self.change(change);
        // The change may free permits, so the poller looks again.
        self.wake().wake_local();
    }

    fn configured(self, change: impl FnOnce(&mut Config)) -> Self {
        self.configure(change);
        self
    }

    fn before_start(self, setting: &str, change: impl FnOnce(&mut Config)) -> Self {
        self.assert_not_started(setting);
        self.configured(change)
    }

    fn assert_not_started(&self, setting: &str) {
        assert!(
            !self.has_started(),
            "`{setting}` was called after the start, when it has no effect: call it before, or use \
             `SimpleQueue::builder`"
        );
    }
}

/// # Functions of the predecessor
impl SimpleQueue {
    /// Connects to a URL; the name that [`SimpleQueue::connect`] had in 0.2.
    ///
    /// # Errors
    /// When the URL cannot be parsed or the database cannot be reached.
    pub async fn new_from_url(url: &str) -> Result<Self, Error> {
        Self::connect(url).await
    }
}

fn within(time: Duration, (shortest, longest): (Duration, Duration)) -> Duration {
    time.clamp(shortest, longest)
}
