//! Stage 3: fetches due jobs, as many as can start, and sleeps exactly until more are due.

mod apart;
mod gather;
mod hand_over;
mod isolate;
mod plan;
mod quiet;
mod rule_state;
mod sleep;
mod starts;
mod turns;
mod visits;

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use super::lost_claims::LostClaims;
use crate::{
    database::{
        Dedicated, Servers,
        failure::{Trouble, described, is_about_a_row, is_ambiguous, is_statement_timeout},
    },
    queue::config::Config,
    retry_pause::RetryPause,
    store::{Completed, Demand, Fetched, Reach, Stuck},
    telemetry,
    worker::Worker,
};
use apart::Apart;
use gather::Backlog;
use hand_over::Beside;
use plan::FetchPlan;
use rule_state::RuleState;
use sleep::{POLL_WHILE_LISTENING, SleepCycle};
use turns::Turns;

/// The only role that claims jobs and takes permits.
pub(in crate::worker) struct Poller {
    pub(super) worker: Arc<Worker>,
    pub(super) connection: Dedicated,
    beside: Beside,
    retry_pause: RetryPause,
    sleep: SleepCycle,
    backlog: Backlog,
    /// The last claim exceeded the statement timeout.
    was_late: bool,
    /// The last claim was refused, perhaps because of one bad row.
    divides: bool,
    /// Jobs that can be neither claimed nor moved away.
    stuck: Stuck,
    /// Time until a job is due in the priorities that were read before.
    next_due_in: Option<Duration>,
    /// Number of fetches, from which the first queue and the first share of a fetch follow, so that none is always
    /// last.
    pub(super) rotation: usize,
    /// The turns of queues with weights.
    turns: Turns,
    /// What is known of jobs that are never prefetched.
    apart: Apart,
    pub(super) lost_claims: LostClaims,
    /// The limits for each key of this process.
    rules: Vec<RuleState>,
    /// Number of rounds in which they were visited.
    rounds: usize,
    /// When the last fetch beside such a backlog found nothing; `None`: it found something.
    empty_at: Option<Instant>,
}

/// 1 s between two checks whether a lost heartbeat has recovered.
const RECHECK_HEARTBEAT: Duration = Duration::from_secs(1);

/// 1 s, upper bound of the pause before the next fetch where a job can be neither claimed nor moved away.
const PAUSE_BESIDE_A_BAD_JOB: Duration = Duration::from_secs(1);

impl Poller {
    pub(in crate::worker) fn new(worker: Arc<Worker>, servers: &Servers) -> Self {
        Self {
            worker,
            connection: Dedicated::for_batches(servers),
            beside: Beside::new(servers),
            retry_pause: RetryPause::default(),
            sleep: SleepCycle::new(),
            next_due_in: None,
            backlog: Backlog::default(),
            was_late: false,
            divides: false,
            stuck: Stuck::default(),
            rotation: 0,
            turns: Turns::default(),
            apart: Apart::default(),
            lost_claims: LostClaims::new(servers),
            rules: Vec::new(),
            rounds: 0,
            empty_at: None,
        }
    }

    pub(in crate::worker) async fn run(mut self) {
        let stopping = self.worker.stopping.clone();
        let mut woken = self.worker.client.wake().subscribe();
        while !stopping.is_cancelled() {
            woken.mark_unchanged();
            // A fetch is never interrupted: its jobs would be claimed without this process's knowledge.
            let wait = self.poll_once().await;
            // Outcomes that were left to a fetch which did not take them.
            self.worker.completions.announce();
            self.worker.poller_idle.store(true, Ordering::Release);
            tokio::select! {
                () = stopping.cancelled() => {}
                _ = woken.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
            self.worker.poller_idle.store(false, Ordering::Release);
        }
        self.worker.completions.end_visits();
        self.worker.give_back_overdue(Duration::ZERO);
        if self.lost_claims.any() {
            self.worker.may_have_lost_claims.store(true, Ordering::Release);
        }
    }

    /// Polls the database once. Returns the time until the next poll, unless something happens before.
    async fn poll_once(&mut self) -> Duration {
        if self.worker.has_unknown.swap(false, Ordering::AcqRel) {
            self.lost_claims.note(Duration::ZERO);
        }
        self.lost_claims.return_what_is_due(&self.worker).await;
        let fetched = self.fetch().await;
        self.worker.permits.fetch_ended();
        let wait = match fetched {
            Ok(wait) => {
                self.was_late = false;
                self.retry_pause.reset();
                wait
            }
            Err(error) => {
                self.worker.completions.release_visits();
                if is_statement_timeout(&error) {
                    self.worker.sweeps.floors().read_present_only();
                }
                // A slow claim may have read many dead entries that an old snapshot keeps. The next one avoids them, so
                // only the second timeout in a row divides the claim.
                self.divides =
                    is_about_a_row(&error) || (is_statement_timeout(&error) && self.was_late);
                self.was_late = is_statement_timeout(&error);
                // Rows that the failed claim had locked wait where they were, and may now lie below a floor.
                self.worker.sweeps.ask();
                // After a failover the server may have lost the most recent writes, the idle mark among them.
                self.sleep.marked = None;
                self.worker.failures.fetch_failed(&error);
                telemetry::fetch::failed(&described(&error));
                self.retry_pause.next()
            }
        };
        self.lost_claims.until_due().map_or(wait, |due| std::cmp::min(wait, due))
    }

    async fn fetch(&mut self) -> sqlx::Result<Duration> {
        if self.worker.heartbeat_lost.load(Ordering::Acquire) {
            // Other processes are about to declare this one dead, and would return what it claims now.
            self.worker.completions.release_visits();
            return Ok(RECHECK_HEARTBEAT);
        }
        let config = self.worker.client.config();
        self.worker.give_back_overdue(config.permit_patience);
        // Set before the permits are counted, so that a permit which becomes free afterwards wakes the poller.
        self.worker.wants_permit.store(true, Ordering::Release);
        self.start_prefetched(&config);
        self.worker.permits.fetch_begins();
        // Jobs with a key and those without take turns at having the permits first.
        self.rounds = self.rounds.wrapping_add(1);
        let (wait, round) = if self.rounds.is_multiple_of(2) {
            let round = self.visit_gates(&config).await;
            (self.fetch_without_keys(&config).await?, round)
        } else {
            let wait = self.fetch_without_keys(&config).await?;
            (wait, self.visit_gates(&config).await)
        };
        self.backlog.of_keys = round.there_is_more;
        if round.leaves_out {
            self.worker.wants_permit.store(true, Ordering::Release);
        }
        if round.there_is_more {
            return Ok(Duration::ZERO);
        }
        Ok(round.next_due_in.map_or(wait, |due| std::cmp::min(due, wait)))
    }

    /// Fetches the jobs that are under no limit for each key.
    async fn fetch_without_keys(&mut self, config: &Config) -> sqlx::Result<Duration> {
        if let Some(rest) = quiet::rest_of_empty(self.empty_at).filter(|_| self.backlog.of_keys) {
            return Ok(rest);
        }
        let plan = self.plan_fetch(config);
        let FetchPlan { mut demands, limit, leaves_out, falls_short, apart } = plan;
        if demands.is_empty() {
            // A permit that becomes free wakes the poller. So does a new job, if the worker is marked idle.
            let sleep = if falls_short {
                self.fall_asleep(None, config).await?
            } else {
                POLL_WHILE_LISTENING
            };
            let overdue = self.worker.prefetched.until_overdue(config.permit_patience);
            return Ok(overdue.map_or(sleep, |due| std::cmp::min(due, sleep)));
        }
        let (worker, client) = (&self.worker, &self.worker.client);
        let was_swept = worker.sweeps.set_floors(&mut demands, client).await;
        if self.claim_overtaken(&demands, limit, config).await? {
            return Ok(Duration::ZERO);
        }
        self.claim_suspect(&demands, config).await?;
        if std::mem::take(&mut self.divides) {
            let has_more = self.claim_apart(&demands, config).await?;
            let is_stuck = !self.stuck.ids().is_empty();
            return Ok(if is_stuck && !has_more { PAUSE_BESIDE_A_BAD_JOB } else { Duration::ZERO });
        }
        // In a backlog, rows that other sessions have touched are left to them, and to the next sweep.
        let is_lowered = self.worker.sweeps.floors().take_lowered();
        let (include_touched, began) = (!self.backlog.of_lanes || is_lowered, Instant::now());
        let ages = &config.priority_ages;
        let reach = Reach { demands: &demands, limit, include_touched, ages };
        let fetched = self.claim(reach).await?;
        let took = began.elapsed();
        self.note_turns(&demands, &fetched, config);
        self.note_apart(&apart, &fetched);
        let has_more_lanes = self.worker.sweeps.floors().learn(&demands, &fetched, include_touched);
        if !was_swept {
            self.worker.sweeps.ask();
        }
        if !fetched.jobs.is_empty() {
            self.worker.prefetched.fetched_in(took);
        }
        self.empty_at = fetched.jobs.is_empty().then(Instant::now);
        let next_due_in = fetched.next_due_in;
        let there_is_more = demands.iter().any(|demand| fetched.stopped_by_limit(demand));
        if !fetched.jobs.is_empty() {
            self.sleep.quiet_since = Instant::now();
        }
        self.start(fetched, config);
        self.backlog.of_lanes = there_is_more;
        if there_is_more {
            self.unmark_idle_if_busy().await?;
        }
        if there_is_more || !include_touched || has_more_lanes {
            self.next_due_in = earlier(self.next_due_in, next_due_in);
            return Ok(Duration::ZERO);
        }
        if !leaves_out {
            // No due job waits for a permit.
            self.worker.wants_permit.store(false, Ordering::Release);
        }
        let next_due_in = earlier(self.next_due_in.take(), next_due_in);
        self.fall_asleep(next_due_in, config).await
    }

    /// Claims the jobs that a sweep found below the floors. Returns whether there were some with permits.
    async fn claim_overtaken(
        &mut self,
        demands: &[Demand],
        limit: usize,
        config: &Config,
    ) -> sqlx::Result<bool> {
        let mut ids = self.worker.sweeps.floors().take_found(demands, limit);
        ids.retain(|id| !self.stuck.ids().contains(id));
        if ids.is_empty() {
            return Ok(false);
        }
        self.claim_listed(ids, config).await?;
        Ok(true)
    }

    /// Claims a suspect, when one waits and none runs here.
    async fn claim_suspect(&mut self, demands: &[Demand], config: &Config) -> sqlx::Result<()> {
        let worker = &self.worker;
        if worker.suspects.is_busy() || !worker.suspects_wait.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        match self.ask_for_suspect(demands, None).await {
            Err(error) if is_about_a_row(&error) => {
                self.claim_suspects_by_id(demands, config).await
            }
            claimed => {
                self.start(claimed?, config);
                Ok(())
            }
        }
    }

    pub(super) async fn claim(&mut self, reach: Reach<'_>) -> sqlx::Result<Fetched> {
        let (queues, limit) = (reach.demands.len(), reach.limit);
        telemetry::fetch::fetch_span(queues, limit, async {
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
                    self.worker.failures.fetch_succeeded();
                    Ok(fetched)
                }
                Err(error) => {
                    self.note_if_lost(&error);
                    done.failed(&error);
                    Err(error)
                }
            }
        })
        .await
    }

    /// Records a claim that may have taken jobs, because its response was lost or cannot be read.
    pub(super) fn note_if_lost(&mut self, error: &sqlx::Error) {
        match Trouble::of(error) {
            // An unreadable response means that the statement has ended.
            Trouble::Unreadable => self.lost_claims.note(Duration::ZERO),
            _ if is_ambiguous(error) => {
                self.lost_claims.note(self.worker.client.servers().statement_timeout());
            }
            _ => {}
        }
    }
}

fn earlier(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    a.into_iter().chain(b).min()
}
