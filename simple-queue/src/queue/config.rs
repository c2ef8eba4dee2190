//! What can be set on a queue.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::strategy::JobStrategy;
use crate::job::{Backoff, BackoffStrategy, Retention};

/// The settings of a queue; read when a worker starts and when a job runs.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) global_permits: usize,
    pub(crate) default_queue_permits: usize,
    pub(crate) queue_permits: HashMap<String, usize>,
    pub(crate) default_strategy: Option<Arc<dyn JobStrategy>>,
    pub(crate) queue_strategies: HashMap<String, Arc<dyn JobStrategy>>,
    pub(crate) default_backoff: Backoff,
    pub(crate) queue_backoffs: HashMap<String, Backoff>,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) empty_poll_sleep: Duration,
    /// `None`: any number.
    pub(crate) max_reprocess_count: Option<i32>,
    pub(crate) max_crash_count: i32,
    pub(crate) permit_patience: Duration,
    pub(crate) cancel_grace: Duration,
    #[cfg(feature = "janitor")]
    pub(crate) janitor_interval: Duration,
    pub(crate) retention: Retention,
}

/// More permits than any process can use; more than a semaphore can count would be an error.
pub(super) const MOST_PERMITS: usize = 1_000_000;

/// What an interval may be: less would be a loop without a pause, more would never come.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_hours(24);

impl Default for Config {
    fn default() -> Self {
        Self {
            global_permits: 500,
            default_queue_permits: 100,
            queue_permits: HashMap::new(),
            default_strategy: None,
            queue_strategies: HashMap::new(),
            default_backoff: Backoff::LINEAR,
            queue_backoffs: HashMap::new(),
            heartbeat_interval: Duration::from_secs(5),
            empty_poll_sleep: Duration::from_secs(1),
            max_reprocess_count: None,
            max_crash_count: 5,
            permit_patience: Duration::from_millis(500),
            cancel_grace: Duration::from_secs(5),
            #[cfg(feature = "janitor")]
            janitor_interval: Duration::from_mins(1),
            retention: Retention::default(),
        }
    }
}

impl Config {
    pub(crate) fn permits_of(&self, queue: &str) -> usize {
        self.queue_permits.get(queue).copied().unwrap_or(self.default_queue_permits)
    }

    pub(crate) fn backoff_of(&self, queue: &str) -> Backoff {
        self.queue_backoffs.get(queue).copied().unwrap_or(self.default_backoff)
    }

    /// `None`: every job may start.
    pub(crate) fn strategy_of(&self, queue: &str) -> Option<&dyn JobStrategy> {
        let strategy = self.queue_strategies.get(queue).or(self.default_strategy.as_ref());
        strategy.map(Arc::as_ref)
    }
}

impl super::SimpleQueue {
    /// How many jobs this process runs at once, of all queues together; 500 by default.
    #[must_use]
    pub fn with_global_semaphore(self, permits: usize) -> Self {
        self.configured(|config| config.global_permits = std::cmp::min(permits, MOST_PERMITS))
    }

    /// How many jobs of one queue this process runs at once.
    pub fn with_queue_semaphore(&self, queue: impl Into<String>, permits: usize) -> &Self {
        self.configure(|config| {
            config.queue_permits.insert(queue.into(), std::cmp::min(permits, MOST_PERMITS));
        });
        self
    }

    /// How many jobs this process runs at once of a queue for which nothing was said; 100 by default.
    #[must_use]
    pub fn with_queue_default_semaphore_size(self, permits: usize) -> Self {
        self.configured(|config| {
            config.default_queue_permits = std::cmp::min(permits, MOST_PERMITS);
        })
    }

    /// The last permit that a job of this queue needs, by rules of your own.
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

    /// The strategy of queues for which none was given; by default every job may start.
    #[must_use]
    pub fn with_default_queue_strategy(self, strategy: Arc<dyn JobStrategy>) -> Self {
        self.configured(|config| config.default_strategy = Some(strategy))
    }

    /// How long jobs wait between attempts where neither their declaration nor their queue says;
    /// five seconds more each time by default.
    #[must_use]
    pub fn with_default_backoff_strategy(self, strategy: BackoffStrategy) -> Self {
        self.configured(|config| config.default_backoff = strategy.into())
    }

    /// How long jobs of this queue wait between attempts, where their declaration does not say.
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

    /// How often a worker says that it lives; every 5 seconds by default, from 10 ms to a day. A process
    /// that was silent for six intervals is taken for dead and its jobs are returned. Set it before the
    /// start.
    #[must_use]
    pub fn with_heartbeat_interval(self, interval: Duration) -> Self {
        self.configured(|config| config.heartbeat_interval = interval.clamp(SHORTEST, LONGEST))
    }

    /// How often an idle worker looks for jobs when it cannot be notified; every second by default.
    /// While it can, it looks every 30 seconds.
    #[must_use]
    pub fn with_empty_poll_sleep(self, sleep: Duration) -> Self {
        self.configured(|config| config.empty_poll_sleep = sleep.clamp(SHORTEST, LONGEST))
    }

    /// How often a job may be put off, by its handler or by a strategy, without using an attempt before it is a
    /// `bad_job`; any number by default, because that is what the handler asks for.
    #[must_use]
    pub fn with_max_reprocess_count(self, count: usize) -> Self {
        self.configured(|config| {
            config.max_reprocess_count = Some(i32::try_from(count).unwrap_or(i32::MAX));
        })
    }

    /// How many processes may die while they run a job before it is a `bad_job`; 5 by default.
    #[must_use]
    pub fn with_max_crash_count(self, count: usize) -> Self {
        self.configured(|config| {
            config.max_crash_count = i32::try_from(count).unwrap_or(i32::MAX);
        })
    }

    /// How long a fetched job may wait for a permit before it is given back: one that was fetched ahead of
    /// need, or whose strategy takes its time; 500 ms by default.
    #[must_use]
    pub fn with_hold_queue_semaphore(self, patience: Duration) -> Self {
        self.configured(|config| config.permit_patience = patience)
    }

    /// How long a cancelled job may go on before it is dropped at its next `.await`; 5 seconds by
    /// default.
    #[must_use]
    pub fn with_cancel_grace(self, grace: Duration) -> Self {
        self.configured(|config| config.cancel_grace = grace)
    }

    /// How often the janitor looks after the history; every minute by default, for the first time within five
    /// seconds of the start.
    #[cfg(feature = "janitor")]
    #[must_use]
    pub fn with_janitor_interval(self, interval: Duration) -> Self {
        self.configured(|config| config.janitor_interval = interval.clamp(SHORTEST, LONGEST))
    }

    /// How long the history is kept, or that none is; see [`Retention`] for the defaults. Set it before the
    /// start.
    #[must_use]
    pub fn with_retention(self, retention: Retention) -> Self {
        self.configured(|config| config.retention = retention)
    }
}
