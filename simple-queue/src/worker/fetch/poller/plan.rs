//! What a fetch asks for: as many jobs as can start now and soon.

use super::{Poller, turns::Claimed};
use crate::{
    admission::{FellShort, PermitScope},
    queue::{
        config::Config,
        served::{Served, Share},
    },
    store::{Demand, DemandedShare, Fetched},
    worker::fetch::floor::BEFORE_ALL,
};

/// What a fetch asks for.
pub(super) struct FetchPlan {
    pub(super) demands: Vec<Demand>,
    /// Upper bound of the jobs of all demands together.
    pub(super) limit: usize,
    /// A served share has no free permit now, and may have due jobs.
    pub(super) leaves_out: bool,
    /// Jobs are left out for lack of permits or tokens that all processes share. Only a look can tell whether any is due.
    pub(super) falls_short: bool,
}

/// The demand of one job of this share.
fn one_of(queue: &str, share: &Share) -> Demand {
    let Share { kinds, excluded, .. } = share.clone();
    Demand {
        queue: queue.to_owned(),
        permits: 1,
        priorities: Vec::new(),
        probe_after: BEFORE_ALL,
        probes: 0,
        shares: vec![DemandedShare { permits: 1, kinds, excluded, floors: Vec::new() }],
    }
}

impl Poller {
    /// Plans a fetch of the jobs that can start now and soon. Queues take turns at being first.
    pub(super) fn plan_fetch(&mut self, config: &Config) -> FetchPlan {
        let worker = &self.worker;
        let free_permits = |of: PermitScope<'_>| worker.permits.free(of, config);
        // Outcomes that cannot be written take the place of jobs that could be claimed.
        let room = worker.completions.unwritten().room(free_permits(PermitScope::All));
        let free = room.permits;
        let (mut limit, mut leaves_out) = (0, false);
        let served = worker.served();
        // Where queues compete for the process's permits, none of them is prefetched.
        let weights = config.weights();
        let compete = free == 0 && served.len() > 1 || self.turns.compete();
        let mut short = Vec::new();
        let mut floors = worker.sweeps.floors();
        floors.retain(&served);
        let mut demands: Vec<Demand> = served
            .into_iter()
            .map(|Served { queue, priorities, shares }| {
                let free = std::cmp::min(free_permits(PermitScope::Queue(&queue)), free);
                // A queue in which some jobs have a limit of their own is not prefetched either.
                let alone = worker.permits.may_be_ahead(&queue, &shares, config);
                // What was fetched ahead would start in the order of priorities.
                let is_in_order = !config.priority_ages.contains_key(&queue);
                let may_be_ahead = alone && is_in_order && !compete && room.may_be_ahead;
                // Jobs that may be ahead have no permit yet.
                let startable = |of: PermitScope<'_>| {
                    if alone { worker.permits.free_here(of, config) } else { free_permits(of) }
                };
                short.extend(self.short_of_shared(&queue, &shares, room.permits, config));
                let permits = worker.prefetched.wanted(&queue, free, may_be_ahead);
                limit += permits;
                let mut shares: Vec<DemandedShare> = shares
                    .into_iter()
                    .map(|share| DemandedShare {
                        permits: std::cmp::min(startable(PermitScope::Share(&share)), permits),
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
        let falls_short = !short.is_empty();
        worker.permits.fell_short(short);
        if !demands.is_empty() {
            self.rotation = self.rotation.wrapping_add(1);
            let first = self.rotation % demands.len();
            demands.rotate_left(first);
        }
        if let Some(weights) = weights {
            leaves_out |= self.turns.divide(&mut demands, free, weights);
        }
        // Prefetched jobs need no permit yet.
        let ahead = demands.iter().map(|demand| demand.permits.saturating_sub(free)).sum::<usize>();
        FetchPlan { demands, limit: std::cmp::min(limit, free + ahead), leaves_out, falls_short }
    }

    /// Records how queues with weights have shared a fetch.
    pub(super) fn note_turns(&mut self, demands: &[Demand], fetched: &Fetched, config: &Config) {
        let Some(weights) = config.weights() else { return };
        let claimed = demands.iter().map(|demand| {
            let jobs = fetched.of_queue(&demand.queue).count();
            Claimed { queue: &demand.queue, jobs, left_more: fetched.left_more(demand) }
        });
        let claimed: Vec<Claimed<'_>> = claimed.collect();
        self.turns.claimed(&claimed, config.global_permits, weights);
    }

    /// Returns the jobs of a queue that could start here, if a limit that all processes share had permits.
    fn short_of_shared(
        &self,
        queue: &str,
        shares: &[Share],
        free: usize,
        config: &Config,
    ) -> Vec<FellShort> {
        let permits = &self.worker.permits;
        let free = std::cmp::min(free, permits.free_here(PermitScope::Queue(queue), config));
        let of_share = |share: &Share| {
            let all = config.limit_of(queue).into_iter().chain(&share.limits);
            let (limits, rates) = permits.exhausted(all.clone());
            let free = std::cmp::min(free, permits.free_here(PermitScope::Share(share), config));
            // Tokens are wanted for the permits that there are.
            let free = if limits.is_empty() { permits.at_most(all, free) } else { free };
            let is_short = !limits.is_empty() || !rates.is_empty();
            (free > 0 && is_short).then(|| FellShort {
                limits,
                rates,
                wanted: free,
                demand: one_of(queue, share),
            })
        };
        shares.iter().filter_map(of_share).collect()
    }
}
