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
    pub(super) apart: AskedApart,
}

/// The shares that are never prefetched.
#[derive(Debug, Default)]
pub(super) struct AskedApart {
    /// With the queue of each.
    shares: Vec<(String, DemandedShare)>,
    /// Some of them are not asked for, for lack of permits of the process.
    is_left_out: bool,
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
        let may_be_ahead =
            |queue: &str, share: &Share| worker.permits.may_be_ahead(queue, share, config);
        let are_apart =
            |served: &Served| !served.shares.iter().all(|share| may_be_ahead(&served.queue, share));
        let has_keys = !worker.client.key_rules().is_empty();
        let lets_prefetch = self.apart.lets_prefetch(served.iter().any(are_apart), has_keys);
        let mut apart = AskedApart::default();
        let mut demands: Vec<Demand> = served
            .into_iter()
            .map(|Served { queue, priorities, shares }| {
                let free = std::cmp::min(free_permits(PermitScope::Queue(&queue)), free);
                // What was fetched ahead would start in the order of priorities.
                let is_in_order = !config.priority_ages.contains_key(&queue);
                let is_ahead = is_in_order
                    && !compete
                    && lets_prefetch
                    && room.may_be_ahead
                    && shares.iter().any(|share| may_be_ahead(&queue, share));
                // Prefetched jobs pass permits on, so none is free, but one is soon.
                let at_least = usize::from(is_ahead);
                let free_here = (at_least, room.permits);
                let fell_short = self.short_of_shared(&queue, &shares, free_here, config);
                for short in &fell_short {
                    floors.expect(&short.demand, &priorities);
                }
                short.extend(fell_short);
                let permits = worker.prefetched.wanted(&queue, free, is_ahead);
                limit += permits;
                let all = shares.len();
                let shares = self.demanded(&queue, shares, (permits, free), config, &mut apart);
                leaves_out |= shares.len() < all;
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
        let limit = std::cmp::min(limit, free + ahead);
        FetchPlan { demands, limit, leaves_out, falls_short, apart }
    }

    /// What is demanded of the shares of a queue that have permits: of those that may be ahead up to `permits` jobs, of the
    /// others no more than have one of the `free` permits. Shares take turns at being first.
    fn demanded(
        &self,
        queue: &str,
        shares: Vec<Share>,
        (permits, free): (usize, usize),
        config: &Config,
        apart: &mut AskedApart,
    ) -> Vec<DemandedShare> {
        let of_worker = &self.worker.permits;
        let mut demanded = Vec::with_capacity(shares.len());
        for share in shares {
            let scope = PermitScope::Share(&share);
            // Jobs that may be ahead have no permit yet.
            let is_apart = !of_worker.may_be_ahead(queue, &share, config);
            let startable = if is_apart {
                std::cmp::min(of_worker.free(scope, config), free)
            } else {
                of_worker.free_here(scope, config)
            };
            let share = DemandedShare {
                permits: std::cmp::min(startable, permits),
                kinds: share.kinds,
                excluded: share.excluded,
                floors: Vec::new(),
            };
            if is_apart {
                apart.is_left_out |= std::cmp::min(free, permits) == 0;
                apart.shares.push((queue.to_owned(), share.clone()));
            }
            demanded.push(share);
        }
        demanded.retain(|share| share.permits > 0);
        if !demanded.is_empty() {
            let first = self.rotation % demanded.len();
            demanded.rotate_left(first);
        }
        demanded
    }

    /// Records whether a fetch has found jobs that are never prefetched.
    pub(super) fn note_apart(&mut self, asked: &AskedApart, fetched: &Fetched) {
        if asked.shares.is_empty() {
            return;
        }
        let found = asked.shares.iter().any(|(queue, share)| {
            fetched.of_queue(queue).any(|fetched| share.takes(fetched.job.kind()))
        });
        self.apart.fetched(!asked.is_left_out, found);
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
        (at_least, free): (usize, usize),
        config: &Config,
    ) -> Vec<FellShort> {
        let permits = &self.worker.permits;
        let free = std::cmp::min(free, permits.free_here(PermitScope::Queue(queue), config));
        let free = std::cmp::max(free, at_least);
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
