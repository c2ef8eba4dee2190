//! Stage 3: fetches what is due, as much as can be started, and sleeps exactly until there is more.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    Start, Worker,
    config::Config,
    floor::{Floors, Reading},
    prefetch::Waiting,
    registry::{Served, Share},
    suspect::SUSPECT_FROM,
    unheard::UnheardClaims,
    unserved::Unserved,
};
use crate::{
    error::is_ambiguous,
    finalize::FinishedRun,
    retries::Retries,
    store::{Dedicated, Demand, DemandedShare, Fetched, Finish, Servers},
};

/// The only role that claims jobs and takes permits.
pub(super) struct Poller {
    worker: Arc<Worker>,
    connection: Dedicated,
    retries: Retries,
    sleep: SleepCycle,
    floors: Floors,
    /// The last fetch found more than it might claim.
    backlog: bool,
    /// Which queue a fetch begins with, and which of its kinds, so that none is served last for ever.
    turn: usize,
    unheard: UnheardClaims,
    unserved: Unserved,
}

/// The poller's way into sleep.
///
/// Whoever enqueues in a transaction of his own notifies only if a worker is marked idle when he
/// inserts. One who inserted just before the mark and commits after it notifies nobody; so sleep
/// begins in naps, each as long as it has been quiet: his job waits at most about as long as his
/// transaction took.
#[derive(Debug)]
struct SleepCycle {
    /// Since when nothing was found, and the worker was marked.
    quiet_since: Instant,
    /// The worker id under which the table says that this process is idle.
    marked: Option<Uuid>,
    /// Since when there has always been more to fetch.
    busy_since: Option<Instant>,
}

/// What a fetch asks for.
struct Look {
    demands: Vec<Demand>,
    /// How much of it together.
    limit: usize,
    /// Something is served for which there is no permit now, and may be due.
    leaves_out: bool,
}

const FIRST_NAP: Duration = Duration::from_millis(25);

/// How often a worker that hears notifications looks all the same.
const POLL_WHILE_LISTENING: Duration = Duration::from_secs(30);

/// How often a process that cannot beat looks whether it can again.
const LOOK_WHILE_SILENT: Duration = Duration::from_secs(1);

/// A worker that was busy for so long is no longer marked idle, which spares others the notifying.
const BUSY_FOR_GOOD: Duration = Duration::from_secs(1);

impl Poller {
    pub(super) fn new(worker: Arc<Worker>, servers: &Servers) -> Self {
        Self {
            worker,
            connection: Dedicated::for_batches(servers),
            retries: Retries::default(),
            sleep: SleepCycle { quiet_since: Instant::now(), marked: None, busy_since: None },
            floors: Floors::new(),
            backlog: false,
            turn: 0,
            unheard: UnheardClaims::new(servers),
            unserved: Unserved::new(),
        }
    }

    pub(super) async fn run(mut self) {
        let stopping = self.worker.stopping.clone();
        let mut woken = self.worker.queue.wake().subscribe();
        while !stopping.is_cancelled() {
            woken.mark_unchanged();
            // A fetch is not interrupted: its jobs would be claimed and nobody would know.
            let wait = self.turn().await;
            // What was left to a fetch that did not take it.
            self.worker.outbox.announce();
            self.worker.poller_rests.store(true, Ordering::Release);
            tokio::select! {
                () = stopping.cancelled() => {}
                _ = woken.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
            self.worker.poller_rests.store(false, Ordering::Release);
        }
        self.worker.outbox.announce();
        self.worker.give_back_overdue(Duration::ZERO);
        if self.unheard.any() {
            self.worker.may_hold_more.store(true, Ordering::Release);
        }
    }

    /// One look at the database; how long until the next is due, unless something happens before.
    async fn turn(&mut self) -> Duration {
        self.unheard.return_what_is_due(&self.worker).await;
        let wait = match self.fetch().await {
            Ok(wait) => {
                self.retries.reset();
                wait
            }
            Err(error) => {
                self.floors.doubt();
                tracing::warn!(error = %crate::error::described(&error), "jobs could not be fetched; trying again");
                self.retries.next()
            }
        };
        self.unheard.until_due().map_or(wait, |due| std::cmp::min(wait, due))
    }

    async fn fetch(&mut self) -> sqlx::Result<Duration> {
        if self.worker.silent.load(Ordering::Acquire) {
            // Others are about to take this process for dead, and what it claims now with it.
            return Ok(LOOK_WHILE_SILENT);
        }
        let config = self.worker.queue.config();
        self.worker.give_back_overdue(config.permit_patience);
        // Before the permits are counted, so that one which becomes free afterwards is heard of.
        self.worker.hungry.store(true, Ordering::Release);
        self.start_prefetched(&config);
        let Look { mut demands, limit, leaves_out } = self.look(&config);
        if demands.is_empty() {
            // A permit that becomes free wakes the poller.
            let overdue = self.worker.prefetched.until_overdue(config.permit_patience);
            return Ok(overdue
                .map_or(POLL_WHILE_LISTENING, |due| std::cmp::min(due, POLL_WHILE_LISTENING)));
        }
        let (swept, began) = (!self.floors.apply(&mut demands), Instant::now());
        // In a backlog rows that others have touched are left to them, and to the next sweep.
        let careful = swept || !self.backlog;
        let fetched = self.claim(&demands, limit, careful).await?;
        let took = began.elapsed();
        self.floors.learn(&demands, &fetched, took, Reading { swept, careful });
        if !fetched.jobs.is_empty() {
            self.worker.prefetched.fetched_in(took);
        }
        let next_due_in = fetched.next_due_in;
        let there_is_more = demands.iter().any(|demand| fetched.stopped_by_limit(demand));
        if !fetched.jobs.is_empty() {
            self.sleep.quiet_since = Instant::now();
        }
        self.start(fetched, &config);
        self.backlog = there_is_more;
        if there_is_more {
            self.unmark_idle_if_busy().await?;
        }
        if there_is_more || !careful {
            return Ok(Duration::ZERO);
        }
        if !leaves_out {
            // Nothing that is due waits for a permit.
            self.worker.hungry.store(false, Ordering::Release);
        }
        let nap = self.fall_asleep(next_due_in, &config).await?;
        // Nothing sleeps on what was found without looking below the floors.
        Ok(if swept { nap } else { std::cmp::min(nap, self.floors.until_sweep()) })
    }

    /// What can be started now and soon, the queues in turn.
    fn look(&mut self, config: &Config) -> Look {
        let free = self.worker.permits.free();
        let (mut limit, mut leaves_out) = (0, false);
        let served = self.worker.queue.served();
        // Where queues compete for the process's permits none of them gets ahead of the others.
        let compete = free == 0 && served.len() > 1;
        let mut demands: Vec<Demand> = served
            .into_iter()
            .map(|Served { queue, shares }| {
                let free = std::cmp::min(self.worker.permits.free_of(&queue, config), free);
                // And neither do the jobs of a queue in which some have a limit of their own.
                let alone = shares.iter().all(|share| share.free.is_none());
                let permits = self.worker.prefetched.wanted(&queue, free, alone && !compete);
                limit += permits;
                let mut shares: Vec<DemandedShare> = shares
                    .into_iter()
                    .map(|Share { kinds, excluded, free }| DemandedShare {
                        permits: std::cmp::min(free.unwrap_or(permits), permits),
                        kinds,
                        excluded,
                        floors: Vec::new(),
                    })
                    .filter(|share| {
                        leaves_out |= share.permits == 0;
                        share.permits > 0
                    })
                    .collect();
                if !shares.is_empty() {
                    let first = self.turn % shares.len();
                    shares.rotate_left(first);
                }
                Demand { queue, permits, priorities: Vec::new(), shares }
            })
            .filter(|demand| !demand.shares.is_empty())
            .collect();
        if !demands.is_empty() {
            self.turn = self.turn.wrapping_add(1);
            let first = self.turn % demands.len();
            demands.rotate_left(first);
        }
        // What is fetched ahead needs no permit yet.
        let ahead = demands.iter().map(|demand| demand.permits.saturating_sub(free)).sum::<usize>();
        Look { demands, limit: std::cmp::min(limit, free + ahead), leaves_out }
    }

    #[tracing::instrument(name = "fetch", level = "debug", skip_all, fields(queues = demands.len(), limit))]
    async fn claim(
        &mut self,
        demands: &[Demand],
        limit: usize,
        careful: bool,
    ) -> sqlx::Result<Fetched> {
        let worker_id = self.worker.id();
        let done = self.worker.outbox.take_done(worker_id);
        let leases = done.leases();
        let keep = self.worker.queue.config().retention.keeps_done();
        let fetched = self
            .connection
            .ask(async |connection| {
                let finish = Finish { done: &leases, keep };
                let store = &self.worker.store;
                store.fetch_jobs(connection, worker_id, finish, demands, limit, careful).await
            })
            .await;
        match fetched {
            Ok((fetched, finished)) => {
                done.written(finished);
                Ok(fetched)
            }
            Err(error) => {
                if is_ambiguous(&error) {
                    self.unheard.note(self.worker.queue.servers().statement_timeout());
                }
                done.failed(&error);
                Err(error)
            }
        }
    }

    /// Starts those for which there is a permit; the others wait for one, or are given back.
    fn start(&self, fetched: Fetched, config: &Config) {
        let (worker, jobs) = (&self.worker, fetched.jobs);
        worker.running.insert(jobs.iter().map(|fetched| &fetched.claim));
        let mut ahead = Vec::new();
        for fetched in jobs {
            let lease = fetched.claim.lease;
            let handler = worker.queue.handler(&fetched.job.queue, fetched.job.kind());
            // Only what can be run is asked for; but a handler can be replaced in between, and a stop begin.
            let Some(handler) = handler.filter(|_| !worker.stopping.is_cancelled()) else {
                worker.finish(FinishedRun::given_back(lease));
                continue;
            };
            match worker.permits.take(&fetched.job.queue, &handler, config) {
                Some(permit) => worker.spawn(Start { handler, fetched, permit }),
                // A suspect must not keep others waiting for their turn, and one with a limit of its own,
                // which may be met in two priorities, not those without.
                None if fetched.claim.crash_count >= SUSPECT_FROM || handler.is_limited() => {
                    worker.finish(FinishedRun::given_back(lease));
                }
                None => ahead.push(Waiting::new(handler, fetched)),
            }
        }
        worker.prefetched.push(ahead);
    }

    /// Starts those that were fetched ahead and for which permits have become free.
    fn start_prefetched(&self, config: &Config) {
        while let Some((start, _)) = self.worker.next_prefetched(None, config, |_, _| None) {
            self.worker.spawn(start);
        }
    }

    /// Nothing is due: says so in the table, looks once more, and then sleeps until something is.
    async fn fall_asleep(
        &mut self,
        next_due_in: Option<Duration>,
        config: &Config,
    ) -> sqlx::Result<Duration> {
        let worker_id = self.worker.id();
        if self.sleep.marked != Some(worker_id) {
            self.mark_idle(worker_id, true).await?;
            self.sleep.marked = Some(worker_id);
            self.sleep.quiet_since = Instant::now();
            // What was enqueued before the mark notified nobody.
            return Ok(Duration::ZERO);
        }
        self.sleep.busy_since = None;
        if self.unserved.is_due() {
            let served = self.worker.queue.served();
            self.unserved.run_once(&self.worker.store, &mut self.connection, &served).await?;
        }
        let longest = match self.worker.listening.load(Ordering::Acquire) {
            true => POLL_WHILE_LISTENING,
            false => config.empty_poll_sleep,
        };
        // A hundred idle processes must not look in the same moment.
        let longest = longest.mul_f64(0.9 + 0.1 * fastrand::f64());
        let nap = self.sleep.quiet_since.elapsed().clamp(FIRST_NAP, longest);
        Ok(next_due_in.map_or(nap, |due| std::cmp::min(due, nap)))
    }

    async fn unmark_idle_if_busy(&mut self) -> sqlx::Result<()> {
        let busy_since = *self.sleep.busy_since.get_or_insert_with(Instant::now);
        if let Some(worker_id) = self.sleep.marked
            && busy_since.elapsed() > BUSY_FOR_GOOD
        {
            self.mark_idle(worker_id, false).await?;
            self.sleep.marked = None;
        }
        Ok(())
    }

    async fn mark_idle(&mut self, worker_id: Uuid, idle: bool) -> sqlx::Result<()> {
        let store = &self.worker.store;
        self.connection
            .ask(async |connection| store.set_idle(connection, worker_id, idle).await)
            .await
    }
}
