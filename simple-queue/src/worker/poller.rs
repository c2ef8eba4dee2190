//! Stage 3: fetches what is due, as much as can be started, and sleeps exactly until there is more.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{
    Worker,
    config::Config,
    executor::Execution,
    floor::Floors,
    registry::{Served, Share},
    unserved::Unserved,
};
use crate::{
    error::is_ambiguous,
    finalize::FinishedRun,
    retries::Retries,
    store::{Dedicated, Demand, DemandedShare, Fetched, FetchedJob, Reaped, Servers},
};

/// The only role that claims jobs and takes permits.
pub(super) struct Poller {
    worker: Arc<Worker>,
    connection: Dedicated,
    retries: Retries,
    sleep: SleepCycle,
    floors: Floors,
    /// Which queue a fetch begins with, and which of its kinds, so that none is served last for ever.
    turn: usize,
    unheard_claim: Option<UnheardClaim>,
    unserved: Unserved,
    /// For returning what an unheard claim took, which reads the whole table.
    upkeep: Dedicated,
}

/// A claim that may have been carried out without our hearing of it. What it took is in this process's
/// name and nobody knows of it.
#[derive(Debug, Clone, Copy)]
struct UnheardClaim {
    /// When what it took is looked for next.
    due: Instant,
    /// How often that has been done.
    looks: usize,
}

/// From the claim to the looks for what it took. The first comes when the server has ended the statement,
/// after the time that it may take; these are for what can outlast that: a commit that waits for its
/// standby, a request that was still on its way when the network was cut.
const LATER_LOOKS_AFTER_UNHEARD_CLAIM: [Duration; 2] =
    [Duration::from_mins(1), Duration::from_mins(5)];

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
            connection: Dedicated::new(servers),
            retries: Retries::default(),
            sleep: SleepCycle { quiet_since: Instant::now(), marked: None, busy_since: None },
            floors: Floors::new(),
            turn: 0,
            unheard_claim: None,
            unserved: Unserved::new(),
            upkeep: Dedicated::for_upkeep(servers),
        }
    }

    pub(super) async fn run(mut self) {
        let stopping = self.worker.stopping.clone();
        let mut woken = self.worker.queue.wake().subscribe();
        while !stopping.is_cancelled() {
            woken.mark_unchanged();
            // A fetch is not interrupted: its jobs would be claimed and nobody would know.
            let wait = self.turn().await;
            tokio::select! {
                () = stopping.cancelled() => {}
                _ = woken.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        if self.unheard_claim.is_some() {
            self.worker.may_hold_more.store(true, Ordering::Release);
        }
    }

    /// One look at the database; how long until the next is due, unless something happens before.
    async fn turn(&mut self) -> Duration {
        self.return_unheard_claim().await;
        let wait = match self.fetch().await {
            Ok(wait) => {
                self.retries.reset();
                wait
            }
            Err(error) => {
                tracing::warn!(%error, "jobs could not be fetched; trying again");
                self.retries.next()
            }
        };
        match self.unheard_claim {
            Some(claim) => std::cmp::min(wait, claim.due.saturating_duration_since(Instant::now())),
            None => wait,
        }
    }

    async fn fetch(&mut self) -> sqlx::Result<Duration> {
        if self.worker.silent.load(Ordering::Acquire) {
            // Others are about to take this process for dead, and what it claims now with it.
            return Ok(LOOK_WHILE_SILENT);
        }
        let config = self.worker.queue.config();
        let free = self.worker.permits.free();
        let mut demands = self.demands(&config, free);
        if demands.is_empty() {
            // A permit that becomes free wakes the poller.
            return Ok(POLL_WHILE_LISTENING);
        }
        let (swept, began) = (!self.floors.apply(&mut demands), Instant::now());
        let fetched = self.claim(&demands, free).await?;
        self.floors.learn(&demands, &fetched, began.elapsed(), swept);
        let there_is_more = may_leave_more(&fetched, &demands, free);
        if !fetched.jobs.is_empty() {
            self.sleep.quiet_since = Instant::now();
        }
        for job in fetched.jobs {
            self.start(job, &config);
        }
        if there_is_more {
            self.unmark_idle_if_busy().await?;
            return Ok(Duration::ZERO);
        }
        let nap = self.fall_asleep(fetched.next_due_in, &config).await?;
        // Nothing sleeps on what was found without looking below the floors.
        Ok(if swept { nap } else { std::cmp::min(nap, self.floors.until_sweep()) })
    }

    /// What can be started now, the queues in turn.
    fn demands(&mut self, config: &Config, free: usize) -> Vec<Demand> {
        if free == 0 {
            return Vec::new();
        }
        let served = self.worker.queue.served().into_iter();
        let mut demands: Vec<Demand> = served
            .map(|Served { queue, shares }| {
                let permits = std::cmp::min(self.worker.permits.free_of(&queue, config), free);
                let mut shares: Vec<DemandedShare> = shares
                    .into_iter()
                    .map(|Share { kinds, excluded, free }| DemandedShare {
                        permits: std::cmp::min(free.unwrap_or(permits), permits),
                        kinds,
                        excluded,
                        floors: Vec::new(),
                    })
                    .filter(|share| share.permits > 0)
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
        demands
    }

    #[tracing::instrument(name = "fetch", level = "debug", skip_all, fields(queues = demands.len(), limit))]
    async fn claim(&mut self, demands: &[Demand], limit: usize) -> sqlx::Result<Fetched> {
        let worker_id = self.worker.id();
        let fetched = self
            .connection
            .ask(async |connection| {
                self.worker.store.fetch_jobs(connection, worker_id, demands, limit).await
            })
            .await;
        if let Err(error) = &fetched
            && is_ambiguous(error)
        {
            let statement_ends = Instant::now() + self.worker.queue.servers().statement_timeout();
            self.unheard_claim = Some(UnheardClaim { due: statement_ends, looks: 0 });
        }
        fetched
    }

    fn start(&self, fetched: FetchedJob, config: &Arc<Config>) {
        let (worker, lease) = (&self.worker, fetched.claim.lease);
        worker.running.insert(lease, Arc::clone(&fetched.claim.run));
        let handler = worker.queue.handler(&fetched.job.queue, fetched.job.kind());
        let permit = handler
            .as_ref()
            .and_then(|handler| worker.permits.take(&fetched.job.queue, handler, config));
        let (Some(handler), Some(permit)) = (handler, permit) else {
            // Only what can be run is asked for; but a handler can be replaced in between, and a limit of
            // its own be met in two priorities.
            worker.finish(FinishedRun::given_back(lease));
            return;
        };
        let handler = Arc::clone(&handler.handler);
        let execution = Execution::new(Arc::clone(worker), handler, Arc::clone(config), fetched);
        worker.tasks.spawn(execution.run(permit));
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

    /// Returns what a claim without an answer took. This role alone claims, and not meanwhile, so
    /// whatever is in this process's name and unknown to it came from there.
    async fn return_unheard_claim(&mut self) {
        let now = Instant::now();
        let Some(claim) = self.unheard_claim.filter(|claim| claim.due <= now) else { return };
        let (worker_id, held) = (self.worker.id(), self.worker.running.ids());
        let store = &self.worker.store;
        let returned = self
            .upkeep
            .ask(async |connection| store.return_unheld_jobs(connection, worker_id, &held).await)
            .await;
        self.unheard_claim = match returned {
            Ok(reaped) => {
                if reaped != Reaped::default() {
                    tracing::warn!(
                        returned = reaped.returned,
                        "returned jobs of a claim whose answer was lost"
                    );
                }
                claim.next_look()
            }
            Err(error) => {
                tracing::warn!(%error, "what a claim took whose answer was lost could not be returned yet");
                Some(UnheardClaim { due: now + Servers::STATEMENT_TIMEOUT, ..claim })
            }
        };
    }
}

impl UnheardClaim {
    fn next_look(self) -> Option<Self> {
        let pause = LATER_LOOKS_AFTER_UNHEARD_CLAIM.get(self.looks)?;
        Some(Self { due: Instant::now() + *pause, looks: self.looks + 1 })
    }
}

/// Whether a fetch stopped because permits were used up, rather than because nothing more was due.
fn may_leave_more(fetched: &Fetched, demands: &[Demand], limit: usize) -> bool {
    let mut of_queue: HashMap<&str, usize> = HashMap::new();
    for job in &fetched.jobs {
        *of_queue.entry(&job.job.queue).or_default() += 1;
    }
    let is_full = |demand: &Demand| {
        of_queue.get(demand.queue.as_str()).is_some_and(|&count| count >= demand.permits)
    };
    fetched.jobs.len() >= limit || demands.iter().any(is_full)
}
