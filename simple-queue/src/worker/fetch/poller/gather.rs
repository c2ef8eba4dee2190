//! How completions are gathered for a visit, while more jobs wait than a process can run.
//!
//! A visit costs the server as much as dozens of its jobs, whatever it completes and claims. Of jobs that take less time
//! than a visit, half would complete while the visit for the other half is under way, and so on: twice as many visits.
//! So a visit that follows one which took all permits waits a little for most of the permits to be free.

use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use super::{Poller, rule_state::LastVisit};
use crate::queue::{config::Config, registry::KeyRule};

/// A quarter of the time that the last visit took, for which completions are gathered.
const PART: u32 = 4;

/// 5 ms, upper bound of that time.
const LONGEST: Duration = Duration::from_millis(5);

/// Where more jobs wait than could be claimed.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// The last fetch left some.
    pub(super) of_lanes: bool,
    /// The last round of visits left some.
    pub(super) of_keys: bool,
}

impl Poller {
    /// Waits until three quarters of the permits are free, or for long enough.
    pub(super) async fn gather(&self, rule: &KeyRule, last: LastVisit, config: &Config) {
        if !last.took_all {
            return;
        }
        let all = config.most_at_once(&rule.queue);
        let until = Instant::now() + std::cmp::min(last.lasted / PART, LONGEST);
        let mut woken = self.worker.client.wake().subscribe();
        let is_over = || {
            let free = self.permits_for(&rule.queue, &rule.share(), config);
            free >= all - all / 4 || self.worker.stopping.is_cancelled()
        };
        while !is_over() && Instant::now() < until {
            tokio::select! {
                () = sleep_until(until.into()) => {}
                _ = woken.changed() => {}
            }
        }
    }
}
