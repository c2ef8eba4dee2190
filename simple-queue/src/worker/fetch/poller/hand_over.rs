//! Hand-overs: how the places of ended jobs go on to the next jobs of their keys, while few keys have a backlog.
//!
//! A hand-over is a small part of a visit. Two of them are under way at once, each for a part of the permits, so that
//! jobs run here while the server writes. They claim only as many jobs as they complete, so the permits suffice for both.

use std::{
    mem,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::sleep_until;

use super::{
    Poller,
    rule_state::Asked,
    visits::{COMPLETIONS, Round, visit_of},
};
use crate::{
    database::{Dedicated, Servers},
    finalize::CompletedRuns,
    queue::{config::Config, registry::KeyRule},
    store::{Completed, Places, Visited},
    telemetry,
};

/// 20 ms, upper bound of the time in which nothing else is fetched, and 5 ms where other jobs have a backlog or this
/// process has other limits for each key.
const LONGEST: Duration = Duration::from_millis(20);
const LONGEST_BESIDE_OTHERS: Duration = Duration::from_millis(5);

/// 1 ms, for which a hand-over waits for more completions than there are.
const PATIENCE: Duration = Duration::from_millis(1);

/// 1 min, after which the second connection is opened anew: something between may have cut it.
const CONNECTION_LASTS: Duration = Duration::from_mins(1);

/// A second connection, for hand-overs beside those on the first one.
#[derive(Debug)]
pub(super) struct Beside {
    connection: Dedicated,
    used_at: Option<Instant>,
}

/// A hand-over that has an answer.
struct HandedOver {
    connection: Dedicated,
    done: CompletedRuns,
    asked: Asked,
    visited: sqlx::Result<Visited>,
}

impl Beside {
    pub(super) fn new(servers: &Servers) -> Self {
        Self { connection: Dedicated::for_batches(servers), used_at: None }
    }

    /// Drops the connection if it was not used for long, without a word to a server that may not hear it.
    fn renew(&mut self, servers: &Servers) {
        if self.used_at.is_some_and(|used_at| used_at.elapsed() > CONNECTION_LASTS) {
            self.connection = Dedicated::for_batches(servers);
        }
        self.used_at = Some(Instant::now());
    }
}

impl Poller {
    /// Hands over the places of a limit, as long as that needs no visit and nothing else is to be fetched. Returns
    /// whether there was something to hand over.
    pub(super) async fn hand_over(
        &mut self,
        rule: &KeyRule,
        config: &Config,
        round: &mut Round,
    ) -> sqlx::Result<bool> {
        if self.to_hand_over(rule, config, 0).is_none() {
            return Ok(false);
        }
        let servers = self.worker.client.servers().clone();
        self.beside.renew(&servers);
        let closed = || Dedicated::for_batches(&servers);
        let mut idle = vec![
            mem::replace(&mut self.beside.connection, closed()),
            mem::replace(&mut self.connection, closed()),
        ];
        let handed_over = self.hand_over_on(&mut idle, rule, config, round).await;
        self.connection = idle.pop().unwrap_or_else(closed);
        self.beside.connection = idle.pop().unwrap_or_else(closed);
        handed_over
    }

    async fn hand_over_on(
        &mut self,
        idle: &mut Vec<Dedicated>,
        rule: &KeyRule,
        config: &Config,
        round: &mut Round,
    ) -> sqlx::Result<bool> {
        let is_alone = !self.backlog.of_lanes && self.rules.len() < 2;
        let longest = if is_alone { LONGEST } else { LONGEST_BESIDE_OTHERS };
        let (begun, mut since) = (Instant::now(), Instant::now());
        let (mut result, mut in_flight) = (Ok(false), 0);
        let mut woken = self.worker.client.wake().subscribe();
        let mut under_way = FuturesUnordered::new();
        loop {
            woken.mark_unchanged();
            let is_late = since.elapsed() >= PATIENCE;
            let may_send = result.is_ok() && begun.elapsed() < longest && !idle.is_empty();
            if may_send
                && let Some(done) = self.next_hand_over(rule, config, in_flight, is_late)
                && let Some(connection) = idle.pop()
            {
                in_flight += done.len();
                under_way.push(self.send_hand_over(connection, rule, config, done));
                continue;
            }
            if under_way.is_empty() && (is_late || !may_send) {
                return result;
            }
            let handed = tokio::select! {
                Some(handed) = under_way.next() => handed,
                _ = woken.changed(), if may_send => continue,
                () = sleep_until((since + PATIENCE).into()), if may_send && !is_late => continue,
            };
            since = Instant::now();
            in_flight -= handed.asked.permits;
            idle.push(handed.connection);
            let answer = (handed.asked, handed.visited);
            let taken_in = self.take_in(rule, config, handed.done, answer, round);
            result = result.and(taken_in.map(|_| true));
        }
    }

    /// What the next hand-over completes, and as many jobs it may claim: half of the permits, or, where they are not
    /// complete for long enough, what is there.
    fn next_hand_over(
        &self,
        rule: &KeyRule,
        config: &Config,
        in_flight: usize,
        is_late: bool,
    ) -> Option<CompletedRuns> {
        let worker = &self.worker;
        let (completed, free) = self.to_hand_over(rule, config, in_flight)?;
        // A run whose permit is not free yet is left to the next one, so that its key keeps the place.
        let half = config.most_at_once(&rule.queue).div_ceil(2);
        if completed < half && !is_late {
            return None;
        }
        let most = std::cmp::min(half, std::cmp::min(COMPLETIONS, free));
        let done = worker.completions.take_completed_of(rule.id, worker.id(), most);
        (!done.is_empty()).then_some(done)
    }

    /// How many runs are completed, and how many permits are free, if the places are to be handed over now.
    fn to_hand_over(
        &self,
        rule: &KeyRule,
        config: &Config,
        in_flight: usize,
    ) -> Option<(usize, usize)> {
        let (worker, state) = (&self.worker, &self.rules[rule.id.0]);
        let completed = worker.completions.count_completed_of(rule.id);
        let free = self.permits_for(&rule.queue, &rule.share(), config).saturating_sub(in_flight);
        let may_go_on = state.hands_over(completed, free, config.most_at_once(&rule.queue))
            && !worker.heartbeat_lost.load(Ordering::Acquire)
            && !worker.pauses.has(&rule.queue, &rule.kind)
            && !worker.stopping.is_cancelled();
        may_go_on.then_some((completed, free))
    }

    fn send_hand_over<'v>(
        &self,
        mut connection: Dedicated,
        rule: &'v KeyRule,
        config: &Config,
        done: CompletedRuns,
    ) -> impl Future<Output = HandedOver> + use<'v> {
        let (store, worker_id) = (self.worker.store.clone(), self.worker.id());
        let keep = config.retention.keeps_completed();
        let (permits, places) = (done.len(), Places::Only);
        let asked = Asked { completed: permits, permits, places, sent: Instant::now() };
        let visit = visit_of(rule, permits, places);
        telemetry::fetch::visit_span(&rule.name, permits, async move {
            let leases = done.leases();
            let completed = Completed { runs: &leases, keep };
            let visited = connection
                .ask(async |connection| {
                    store.visit_gates(connection, worker_id, completed, visit).await
                })
                .await;
            drop(leases);
            HandedOver { connection, done, asked, visited }
        })
    }
}
