//! How queues share what there is: the processes, and their permits.

use std::time::Duration;

use super::SimpleQueueBuilder;
use crate::{job::Rate, queue::shared_limit::SharedLimit};

/// # Settings
impl SimpleQueueBuilder {
    /// Sets how many jobs of one queue run at once in all processes together; no limit by default.
    ///
    /// It is a declaration like those of the jobs: every process of the queue should have the same
    /// number, and [`SimpleQueue::limits`](crate::SimpleQueue::limits) can change it at run time, as
    /// `queue:NAME`.
    pub fn queue_limit(self, queue: impl Into<String>, limit: usize) -> Self {
        self.limited(queue.into(), |of_queue| of_queue.most = Some(limit))
    }

    /// Sets how many jobs of one queue start in a time, in all processes together; no limit by
    /// default. It is a declaration like [`queue_limit`](SimpleQueueBuilder::queue_limit).
    pub fn queue_rate(self, queue: impl Into<String>, rate: Rate) -> Self {
        self.limited(queue.into(), |of_queue| of_queue.rate = Some(rate))
    }

    /// Sets the weight of a queue, from 1 to 1,000,000; 1 by default. Where the permits of this process
    /// do not suffice for all queues, each gets a part of the starts by its weight: with a weight of 4 it
    /// starts four jobs while one with a weight of 1 starts one. A queue that has no job waiting takes
    /// nothing from the others.
    ///
    /// [`permits`](SimpleQueueBuilder::permits) is what the queues share. The weights say nothing about
    /// other processes, or about the [`queue_permits`](SimpleQueueBuilder::queue_permits) of a queue.
    pub fn queue_weight(self, queue: impl Into<String>, weight: u32) -> Self {
        self.configured(|config| {
            config.queue_weights.insert(queue.into(), weight);
        })
    }

    /// Lets the jobs of a queue gain on more urgent ones as they wait, so that none waits for ever: a
    /// job gains a step of priority in the time `age`, from 10 ms to a day. With 60 seconds a job of
    /// priority 10 comes before jobs of priority 0 that became due ten minutes after it. By default a
    /// job starts only when no more urgent one is due.
    ///
    /// Every process of the queue should have the same. Its fetches look at the first job of each
    /// priority, and it fetches nothing ahead.
    pub fn priority_aging(self, queue: impl Into<String>, age: Duration) -> Self {
        self.configured(|config| {
            config.priority_ages.insert(queue.into(), age.as_secs_f64());
        })
    }

    fn limited(self, queue: String, change: impl FnOnce(&mut SharedLimit)) -> Self {
        self.configured(|config| {
            let limit = SharedLimit::of_queue(&queue);
            change(config.queue_limits.entry(queue).or_insert(limit));
        })
    }
}
