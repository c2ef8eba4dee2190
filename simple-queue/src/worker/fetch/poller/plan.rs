//! What a fetch asks for: as many jobs as can start now and soon.

use super::Poller;
use crate::{
    admission::PermitScope,
    queue::{config::Config, registry::Served},
    store::{Demand, DemandedShare},
    worker::fetch::floor::BEFORE_ALL,
};

/// What a fetch asks for.
pub(super) struct FetchPlan {
    pub(super) demands: Vec<Demand>,
    /// Upper bound of the jobs of all demands together.
    pub(super) limit: usize,
    /// A served share has no free permit now, and may have due jobs.
    pub(super) leaves_out: bool,
}

impl Poller {
    /// Plans a fetch of the jobs that can start now and soon. Queues take turns at being first.
    pub(super) fn plan_fetch(&mut self, config: &Config) -> FetchPlan {
        let worker = &self.worker;
        let free_permits = |of: PermitScope<'_>| worker.permits.free(of, config);
        let is_limited = |of: PermitScope<'_>| worker.permits.are_limited(of, config);
        // Outcomes that cannot be written take the place of jobs that could be claimed.
        let room = worker.completions.unwritten().room(free_permits(PermitScope::All));
        let free = room.permits;
        let (mut limit, mut leaves_out) = (0, false);
        let served = worker.client.served();
        // Where queues compete for the process's permits, none of them is prefetched.
        let compete = free == 0 && served.len() > 1;
        let mut floors = worker.sweeps.floors();
        floors.retain(&served);
        let mut demands: Vec<Demand> = served
            .into_iter()
            .map(|Served { queue, priorities, shares }| {
                let free = std::cmp::min(free_permits(PermitScope::Queue(&queue)), free);
                // A queue in which some jobs have a limit of their own is not prefetched either.
                let alone = !shares.iter().any(|share| is_limited(PermitScope::Share(share)));
                let may_be_ahead = alone && !compete && room.may_be_ahead;
                let permits = worker.prefetched.wanted(&queue, free, may_be_ahead);
                limit += permits;
                let mut shares: Vec<DemandedShare> = shares
                    .into_iter()
                    .map(|share| DemandedShare {
                        permits: std::cmp::min(free_permits(PermitScope::Share(&share)), permits),
                        kinds: share.kinds,
                        excluded: share.excluded,
                        floors: Vec::new(),
                    })
                    .filter(|share| {
                        leaves_out |= share.permits == 0;
                        share.permits > 0
                    })
                    .collect();
                if !shares.is_empty() {
                    let first = self.rotation % shares.len();
                    shares.rotate_left(first);
                }
                let demand = Demand {
                    queue,
                    permits,
                    priorities: Vec::new(),
                    probe_after: BEFORE_ALL,
                    probes: 0,
                    shares,
                };
                floors.expect(&demand, &priorities);
                demand
            })
            .filter(|demand| !demand.shares.is_empty())
            .collect();
        drop(floors);
        if !demands.is_empty() {
            self.rotation = self.rotation.wrapping_add(1);
            let first = self.rotation % demands.len();
            demands.rotate_left(first);
        }
        // Prefetched jobs need no permit yet.
        let ahead = demands.iter().map(|demand| demand.permits.saturating_sub(free)).sum::<usize>();
        FetchPlan { demands, limit: std::cmp::min(limit, free + ahead), leaves_out }
    }
}
