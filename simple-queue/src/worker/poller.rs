//! Stage 3: fetches what is due, as much as can be started, and sleeps exactly until there is more.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{Worker, config::Config, executor::Execution};
use crate::{
    error::is_ambiguous,
    finalize::FinishedRun,
    outcome::{Retry, Transition},
    retries::Retries,
    store::{Dedicated, Demand, Fetched, FetchedJob},
};

/// The only role that claims jobs and takes permits.
pub(super) struct Poller {
    worker: Arc<Worker>,
    connection: Dedicated,
    retries: Retries,
    sleep: SleepCycle,
    /// Which queue a fetch begins with, so that none is served last for ever.
    turn: usize,
    /// A claim went without an answer; what it took is returned from this time on.
    unheard_claim: Option<Instant>,
}

/// The poller's way into sleep.
///
/// Whoever enqueues in a transaction of his own notifies only if a worker is marked idle when he
/// inserts. One who inserted just before the mark and commits after it notifies nobody; so sleep
/// begins in naps, each twice as long as the last: his job waits at most about as long as his
/// transaction took.
#[derive(Debug)]
struct SleepCycle {
    nap: Duration,
    /// The worker id under which the table says that this process is idle.
    marked: Option<Uuid>,
    busy_since: Instant,
}

const FIRST_NAP: Duration = Duration::from_millis(25);

/// How often a worker that hears notifications looks all the same.
const POLL_WHILE_LISTENING: Duration = Duration::from_secs(30);

/// A worker that was busy for so long is no longer marked idle, which spares others the notifying.
const BUSY_FOR_GOOD: Duration = Duration::from_secs(1);

impl Poller {
    pub(super) fn new(worker: Arc<Worker>, connection: Dedicated) -> Self {
        Self {
            worker,
            connection,
            retries: Retries::default(),
            sleep: SleepCycle { nap: FIRST_NAP, marked: None, busy_since: Instant::now() },
            turn: 0,
            unheard_claim: None,
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
        let turn = async {
            self.return_unheard_claim().await?;
            self.fetch().await
        };
        match turn.await {
            Ok(wait) => {
                self.retries.reset();
                wait
            }
            Err(error) => {
                tracing::warn!(%error, "jobs could not be fetched; trying again");
                self.retries.next()
            }
        }
    }

    async fn fetch(&mut self) -> sqlx::Result<Duration> {
        let config = self.worker.queue.config();
        let free = self.worker.permits.free();
        let demands = self.demands(&config, free);
        if demands.is_empty() {
            // A permit that becomes free wakes the poller.
            return Ok(POLL_WHILE_LISTENING);
        }
        let fetched = self.claim(&demands, free).await?;
        let there_is_more = may_leave_more(&fetched, &demands, free);
        if !fetched.jobs.is_empty() {
            self.sleep.nap = FIRST_NAP;
        }
        for job in fetched.jobs {
            self.start(job, &config);
        }
        if there_is_more {
            self.unmark_idle_if_busy().await?;
            return Ok(Duration::ZERO);
        }
        self.fall_asleep(fetched.next_due_in, &config).await
    }

    /// What can be started now, the queues in turn.
    fn demands(&mut self, config: &Config, free: usize) -> Vec<Demand> {
        if free == 0 {
            return Vec::new();
        }
        let mut demands: Vec<Demand> = self
            .worker
            .queue
            .served()
            .into_iter()
            .map(|(queue, kinds)| {
                let permits = std::cmp::min(self.worker.permits.free_of(&queue, config), free);
                Demand { queue, permits, kinds }
            })
            .filter(|demand| demand.permits > 0)
            .collect();
        if !demands.is_empty() {
            self.turn = (self.turn + 1) % demands.len();
            demands.rotate_left(self.turn);
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
            self.unheard_claim = Some(Instant::now() + Dedicated::STATEMENT_TIMEOUT);
        }
        fetched
    }

    fn start(&self, fetched: FetchedJob, config: &Arc<Config>) {
        let (worker, lease) = (&self.worker, fetched.claim.lease);
        worker.running.insert(lease, Arc::clone(&fetched.claim.run));
        let handler = worker.queue.handler(&fetched.job.queue, fetched.job.kind());
        let permit = worker.permits.take(&fetched.job.queue, config);
        let (Some(handler), Some(permit)) = (handler, permit) else {
            // Only what can be run is asked for; but a handler can be replaced in between.
            worker.finish(FinishedRun {
                lease,
                transition: Transition::Retry(Retry::given_back(Duration::ZERO)),
                verify_first: false,
            });
            return;
        };
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
            // What was enqueued before the mark notified nobody.
            return Ok(Duration::ZERO);
        }
        self.sleep.busy_since = Instant::now();
        let longest = match self.worker.listening.load(Ordering::Acquire) {
            true => POLL_WHILE_LISTENING,
            false => config.empty_poll_sleep,
        };
        // A hundred idle processes must not look in the same moment.
        let longest = longest.mul_f64(0.9 + 0.1 * fastrand::f64());
        let nap = std::cmp::min(self.sleep.nap, longest);
        self.sleep.nap = std::cmp::min(self.sleep.nap * 2, POLL_WHILE_LISTENING);
        Ok(next_due_in.map_or(nap, |due| std::cmp::min(due, nap)))
    }

    async fn unmark_idle_if_busy(&mut self) -> sqlx::Result<()> {
        if let Some(worker_id) = self.sleep.marked
            && self.sleep.busy_since.elapsed() > BUSY_FOR_GOOD
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

    /// Returns what a claim without an answer took, once it is certain to be over.
    async fn return_unheard_claim(&mut self) -> sqlx::Result<()> {
        if self.unheard_claim.is_none_or(|from| Instant::now() < from) {
            return Ok(());
        }
        // This role alone claims, so whatever is in this process's name and unknown to it is lost.
        let held = self.worker.running.ids();
        let worker_id = self.worker.id();
        let returned = self
            .connection
            .ask(async |connection| {
                self.worker.store.give_back_unheld(connection, worker_id, &held).await
            })
            .await?;
        self.unheard_claim = None;
        if returned > 0 {
            tracing::warn!(returned, "returned jobs of a claim whose answer was lost");
        }
        Ok(())
    }
}

/// Whether a fetch stopped because permits were used up, rather than because nothing more was due.
fn may_leave_more(fetched: &Fetched, demands: &[Demand], limit: usize) -> bool {
    fetched.jobs.len() >= limit
        || demands.iter().any(|demand| {
            let of_queue = fetched.jobs.iter().filter(|job| job.job.queue == demand.queue);
            of_queue.count() >= demand.permits
        })
}
