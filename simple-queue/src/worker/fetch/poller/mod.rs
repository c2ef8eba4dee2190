//! Stage 3: fetches what is due, as much as can be started, and sleeps exactly until there is more.

mod isolate;
mod plan;
mod sleep;

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::{lost_claims::LostClaims, prefetch::PrefetchedJob};
use crate::{
    database::{
        Dedicated, Servers,
        failure::{Trouble, is_about_a_row, is_ambiguous, is_statement_timeout},
    },
    finalize::FinishedRun,
    queue::config::Config,
    retry_pause::RetryPause,
    store::{Completed, Demand, Fetched, Reach},
    worker::{Start, Worker, run::suspect::SUSPECT_FROM},
};
use plan::FetchPlan;
use sleep::{POLL_WHILE_LISTENING, SleepCycle};

/// The only role that claims jobs and takes permits.
pub(in crate::worker) struct Poller {
    pub(super) worker: Arc<Worker>,
    pub(super) connection: Dedicated,
    retry_pause: RetryPause,
    sleep: SleepCycle,
    /// The last fetch found more than it might claim.
    backlog: bool,
    /// The last claim took longer than a statement may.
    was_late: bool,
    /// The last claim was refused, perhaps for the fault of one row.
    divides: bool,
    /// Until something is due in the part of the priorities that was read before.
    next_due_in: Option<Duration>,
    /// Which queue a fetch begins with, and which of its kinds, so that none is served last for ever.
    pub(super) rotation: usize,
    pub(super) lost_claims: LostClaims,
}

/// How often a process that cannot beat looks whether it can again.
const RECHECK_HEARTBEAT: Duration = Duration::from_secs(1);

/// 1 s until the next fetch, unless something happens before, where a job can be neither claimed nor moved away.
const PAUSE_BESIDE_A_BAD_JOB: Duration = Duration::from_secs(1);

impl Poller {
    pub(in crate::worker) fn new(worker: Arc<Worker>, servers: &Servers) -> Self {
        Self {
            worker,
            connection: Dedicated::for_batches(servers),
            retry_pause: RetryPause::default(),
            sleep: SleepCycle::new(),
            next_due_in: None,
            backlog: false,
            was_late: false,
            divides: false,
            rotation: 0,
            lost_claims: LostClaims::new(servers),
        }
    }

    pub(in crate::worker) async fn run(mut self) {
        let stopping = self.worker.stopping.clone();
        let mut woken = self.worker.client.wake().subscribe();
        while !stopping.is_cancelled() {
            woken.mark_unchanged();
            // A fetch is not interrupted: its jobs would be claimed and nobody would know.
            let wait = self.poll_once().await;
            // What was left to a fetch that did not take it.
            self.worker.completions.announce();
            self.worker.poller_idle.store(true, Ordering::Release);
            tokio::select! {
                () = stopping.cancelled() => {}
                _ = woken.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
            self.worker.poller_idle.store(false, Ordering::Release);
        }
        self.worker.completions.announce();
        self.worker.give_back_overdue(Duration::ZERO);
        if self.lost_claims.any() {
            self.worker.may_have_lost_claims.store(true, Ordering::Release);
        }
    }

    /// One look at the database; how long until the next is due, unless something happens before.
    async fn poll_once(&mut self) -> Duration {
        if self.worker.has_unknown.swap(false, Ordering::AcqRel) {
            self.lost_claims.note(Duration::ZERO);
        }
        self.lost_claims.return_what_is_due(&self.worker).await;
        let wait = match self.fetch().await {
            Ok(wait) => {
                self.was_late = false;
                self.worker.failures.fetch_succeeded();
                self.retry_pause.reset();
                wait
            }
            Err(error) => {
                if is_statement_timeout(&error) {
                    self.worker.sweeps.floors().read_present_only();
                }
                // One that takes too long may have met much that an old snapshot keeps; the next one does not.
                self.divides =
                    is_about_a_row(&error) || (is_statement_timeout(&error) && self.was_late);
                self.was_late = is_statement_timeout(&error);
                // What it had locked waits where it was, and may have been overtaken.
                self.worker.sweeps.ask();
                // It may have been a server that lost what was written last.
                self.sleep.marked = None;
                self.worker.failures.fetch_failed(&error);
                tracing::warn!(%error, "jobs could not be fetched; trying again");
                self.retry_pause.next()
            }
        };
        self.lost_claims.until_due().map_or(wait, |due| std::cmp::min(wait, due))
    }

    async fn fetch(&mut self) -> sqlx::Result<Duration> {
        if self.worker.heartbeat_lost.load(Ordering::Acquire) {
            // Others are about to take this process for dead, and what it claims now with it.
            return Ok(RECHECK_HEARTBEAT);
        }
        let config = self.worker.client.config();
        self.worker.give_back_overdue(config.permit_patience);
        // Before the permits are counted, so that one which becomes free afterwards is heard of.
        self.worker.wants_permit.store(true, Ordering::Release);
        self.start_prefetched(&config);
        let FetchPlan { mut demands, limit, leaves_out } = self.plan_fetch(&config);
        if demands.is_empty() {
            // A permit that becomes free wakes the poller.
            let overdue = self.worker.prefetched.until_overdue(config.permit_patience);
            return Ok(overdue
                .map_or(POLL_WHILE_LISTENING, |due| std::cmp::min(due, POLL_WHILE_LISTENING)));
        }
        let was_swept = self.read_from_floors(&mut demands).await;
        if self.claim_overtaken(&demands, limit, &config).await? {
            return Ok(Duration::ZERO);
        }
        self.claim_suspect(&demands, &config).await?;
        if std::mem::take(&mut self.divides) {
            let are_all_away = self.claim_apart(&demands, &config).await?;
            return Ok(if are_all_away { Duration::ZERO } else { PAUSE_BESIDE_A_BAD_JOB });
        }
        // In a backlog rows that others have touched are left to them, and to the next sweep.
        let is_lowered = self.worker.sweeps.floors().take_lowered();
        let (include_touched, began) = (!self.backlog || is_lowered, Instant::now());
        let fetched = self.claim(Reach { demands: &demands, limit, include_touched }).await?;
        let took = began.elapsed();
        let has_more_lanes = self.worker.sweeps.floors().learn(&demands, &fetched, include_touched);
        if !was_swept {
            self.worker.sweeps.ask();
        }
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
        if there_is_more || !include_touched || has_more_lanes {
            self.next_due_in = earlier(self.next_due_in, next_due_in);
            return Ok(Duration::ZERO);
        }
        if !leaves_out {
            // Nothing that is due waits for a permit.
            self.worker.wants_permit.store(false, Ordering::Release);
        }
        let next_due_in = earlier(self.next_due_in.take(), next_due_in);
        self.fall_asleep(next_due_in, &config).await
    }

    /// Has each lane read from its floor. One that was not read for a while is swept first; whether that was so.
    async fn read_from_floors(&self, demands: &mut [Demand]) -> bool {
        let sweeps = &self.worker.sweeps;
        if !sweeps.floors().apply(demands) {
            return false;
        }
        sweeps.run_now().await;
        let mut floors = sweeps.floors();
        floors.skip_stale();
        floors.apply(demands);
        true
    }

    /// Claims what a sweep found below the floors; whether it found something for which there are permits.
    async fn claim_overtaken(
        &mut self,
        demands: &[Demand],
        limit: usize,
        config: &Config,
    ) -> sqlx::Result<bool> {
        let ids = self.worker.sweeps.floors().take_found(demands, limit);
        if ids.is_empty() {
            return Ok(false);
        }
        self.claim_listed(ids, config).await?;
        Ok(true)
    }

    /// Claims a job that has killed processes, when one waits and none runs here.
    async fn claim_suspect(&mut self, demands: &[Demand], config: &Config) -> sqlx::Result<()> {
        let worker = &self.worker;
        if worker.suspects.is_busy() || !worker.suspects_wait.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        match self.ask_for_suspect(demands, None).await {
            Err(error) if is_about_a_row(&error) => self.claim_suspect_by_id(demands, config).await,
            claimed => {
                self.start(claimed?, config);
                Ok(())
            }
        }
    }

    #[tracing::instrument(name = "fetch", level = "debug", skip_all, fields(queues = reach.demands.len(), limit = reach.limit))]
    pub(super) async fn claim(&mut self, reach: Reach<'_>) -> sqlx::Result<Fetched> {
        let worker_id = self.worker.id();
        let done = self.worker.completions.take_completed(worker_id);
        let leases = done.leases();
        let keep = self.worker.client.config().retention.keeps_completed();
        let fetched = self
            .connection
            .ask(async |connection| {
                let completed = Completed { runs: &leases, keep };
                self.worker.store.fetch_jobs(connection, worker_id, completed, reach).await
            })
            .await;
        match fetched {
            Ok((fetched, finished)) => {
                done.written(finished);
                Ok(fetched)
            }
            Err(error) => {
                self.note_if_lost(&error);
                done.failed(&error);
                Err(error)
            }
        }
    }

    /// A claim whose answer was lost, or cannot be read, may have taken jobs.
    pub(super) fn note_if_lost(&mut self, error: &sqlx::Error) {
        match Trouble::of(error) {
            // With its answer it was over.
            Trouble::Unreadable => self.lost_claims.note(Duration::ZERO),
            _ if is_ambiguous(error) => {
                self.lost_claims.note(self.worker.client.servers().statement_timeout());
            }
            _ => {}
        }
    }

    /// Starts those for which there is a permit; the others wait for one, or are given back.
    pub(super) fn start(&self, fetched: Fetched, config: &Config) {
        let (worker, jobs) = (&self.worker, fetched.jobs);
        worker.running.insert(jobs.iter().map(|fetched| &fetched.claim));
        let mut ahead = Vec::new();
        for fetched in jobs {
            let lease = fetched.claim.lease;
            let handler = worker.client.handler(&fetched.job.queue, fetched.job.kind());
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
                None => ahead.push(PrefetchedJob::new(handler, fetched)),
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
}

fn earlier(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    a.into_iter().chain(b).min()
}
