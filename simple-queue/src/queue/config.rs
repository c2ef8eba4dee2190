//! Settings of a queue.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{shared_limit::SharedLimit, strategy::JobStrategy};
use crate::job::{Backoff, Retention};

/// The settings of a queue. A worker reads them when it starts and when a job runs.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) global_permits: usize,
    pub(crate) default_queue_permits: usize,
    pub(crate) queue_permits: HashMap<String, usize>,
    /// Limits of queues in all processes together.
    pub(crate) queue_limits: HashMap<String, SharedLimit>,
    /// How queues share the permits of this process where those do not suffice; 1 for the others.
    pub(crate) queue_weights: HashMap<String, u32>,
    /// The seconds that a step of priority is worth, of each queue whose jobs gain on more urgent ones as they wait.
    pub(crate) priority_ages: HashMap<String, f64>,
    pub(crate) default_strategy: Option<Arc<dyn JobStrategy>>,
    pub(crate) queue_strategies: HashMap<String, Arc<dyn JobStrategy>>,
    pub(crate) default_backoff: Backoff,
    pub(crate) queue_backoffs: HashMap<String, Backoff>,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) empty_poll_sleep: Duration,
    /// `None`: no limit.
    pub(crate) max_reprocess_count: Option<i32>,
    pub(crate) max_crash_count: i32,
    pub(crate) permit_patience: Duration,
    pub(crate) cancel_grace: Duration,
    #[cfg(feature = "janitor")]
    pub(crate) janitor_interval: Duration,
    pub(crate) retention: Retention,
    /// Whether runs are counted.
    pub(crate) stats: bool,
}

/// 1,000,000, more permits than any process can use. A semaphore panics above `usize::MAX >> 3`.
pub(super) const MOST_PERMITS: usize = 1_000_000;

/// 10 ms and 24 h, the bounds of an interval. A shorter one would be a busy loop, a longer one
/// would never elapse.
pub(super) const INTERVALS: (Duration, Duration) =
    (Duration::from_millis(10), Duration::from_hours(24));

impl Default for Config {
    fn default() -> Self {
        Self {
            global_permits: 500,
            default_queue_permits: 100,
            queue_permits: HashMap::new(),
            queue_limits: HashMap::new(),
            queue_weights: HashMap::new(),
            priority_ages: HashMap::new(),
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
            stats: true,
        }
    }
}

impl Config {
    pub(crate) fn permits_of(&self, queue: &str) -> usize {
        self.queue_permits.get(queue).copied().unwrap_or(self.default_queue_permits)
    }

    /// Upper bound of the jobs of a queue that this process runs at once.
    pub(crate) fn most_at_once(&self, queue: &str) -> usize {
        std::cmp::min(self.global_permits, self.permits_of(queue))
    }

    pub(crate) fn limit_of(&self, queue: &str) -> Option<&SharedLimit> {
        self.queue_limits.get(queue)
    }

    /// `None`: no queue has a weight.
    pub(crate) fn weights(&self) -> Option<impl Fn(&str) -> u32> {
        let weights = &self.queue_weights;
        (!weights.is_empty()).then_some(|queue: &str| weights.get(queue).copied().unwrap_or(1))
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
