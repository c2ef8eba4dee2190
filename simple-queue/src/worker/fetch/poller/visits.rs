//! Visits: how jobs under a limit for each key are claimed.
//!
//! Such jobs are in no fetch index. Each limit has a statement of its own, sent only by processes that run its jobs. A
//! visit writes the completions of its jobs too, so that the next job of a key takes over the place of the one before.

use std::time::{Duration, Instant};

use super::Poller;
use crate::{
    admission::PermitScope,
    database::failure::{described, is_about_a_row},
    queue::{config::Config, registry::KeyRule, served::Share},
    retry_pause::RetryPause,
    store::{Begun, Completed, Visit, Visited},
    telemetry,
};

/// What the poller remembers of a limit for each key.
#[derive(Debug, Default)]
pub(super) struct RuleState {
    is_declared: bool,
    /// The gate after which the next visit begins.
    pub(super) after: String,
    /// The key whose share of this round is not used up.
    begun: Option<Begun>,
    /// Since when the keys that have places left nothing for others, and for how many visits.
    taken_over: Option<(Instant, u32)>,
    /// A visit of this round of the ring has consumed a turn or claimed a job.
    has_moved: bool,
    retry_pause: RetryPause,
    not_before: Option<Instant>,
    /// When the last visit or look found nothing; `None`: it found something.
    pub(super) empty_at: Option<Instant>,
    last: LastVisit,
}

/// What the next visit has to know of the last one.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct LastVisit {
    pub(super) lasted: Duration,
    /// It took all permits.
    pub(super) took_all: bool,
}

/// What a round of visits leaves.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// More jobs may be due now.
    pub(super) there_is_more: bool,
    /// A limit was not visited for lack of permits.
    pub(super) leaves_out: bool,
    /// Jobs were claimed.
    found: bool,
    pub(super) next_due_in: Option<Duration>,
}

/// 1,000 completions at most in one visit.
const COMPLETIONS: usize = 1000;

/// 16 visits in a row, and 1 s, in which the keys that have places keep all permits; then other keys have their turn.
const QUANTUM: u32 = 16;
const LONGEST_QUANTUM: Duration = Duration::from_secs(1);

/// 10 ms until the next visit of gates that another process held.
const UNTIL_RELEASED: Duration = Duration::from_millis(10);

impl RuleState {
    fn hands_over(&self) -> bool {
        self.taken_over
            .is_none_or(|(since, visits)| visits < QUANTUM && since.elapsed() < LONGEST_QUANTUM)
    }

    /// Learns from a visit; returns whether more may be due.
    fn learn(&mut self, visited: &Visited, permits: usize, handed_over: bool) -> bool {
        let summary = &visited.summary;
        let all_taken = permits > 0 && visited.fetched.jobs.len() >= permits;
        let leaves_none = handed_over && all_taken && summary.visited == 0;
        self.taken_over = leaves_none.then(|| {
            let (since, visits) = self.taken_over.unwrap_or_else(|| (Instant::now(), 0));
            (since, visits + 1)
        });
        let began_within = !self.after.is_empty();
        self.begun.clone_from(&summary.begun);
        // A visit that took all permits has passed over gates, or did not reach the ring.
        if !all_taken {
            self.after = summary.last.clone().unwrap_or_default();
        } else if let Some(last) = &summary.last {
            self.after.clone_from(last);
        }
        let moves = summary.taken > 0 || !visited.fetched.jobs.is_empty();
        self.has_moved |= moves;
        // Turns that another transaction has locked stay where they are. After a round that only met those, the next one
        // is not due at once.
        let goes_on =
            (began_within || summary.last.is_some()) && (self.has_moved || !self.after.is_empty());
        if self.after.is_empty() {
            self.has_moved = false;
        }
        all_taken || goes_on || summary.has_more && moves
    }
}

impl Poller {
    /// Visits each limit for each key of this process once, if it has something to do.
    pub(super) async fn visit_gates(&mut self, config: &Config) -> Round {
        let mut round = Round::default();
        let rules = self.worker.client.key_rules();
        self.rules.resize_with(rules.len(), RuleState::default);
        let rules = self.with_work(rules, &mut round).await;
        for turn in 0..rules.len() {
            // Limits take turns at being first.
            let rule = &rules[(self.rounds + turn) % rules.len()];
            match self.visit(rule, config, &mut round).await {
                Ok(()) => {
                    let state = &mut self.rules[rule.id.0];
                    state.retry_pause.reset();
                    state.not_before = None;
                }
                Err(error) => {
                    telemetry::fetch::visit_failed(&rule.name, &described(&error));
                    self.worker.failures.fetch_failed(&error);
                    self.sleep.marked = None;
                    let state = &mut self.rules[rule.id.0];
                    let pause = state.retry_pause.next();
                    state.not_before = Some(Instant::now() + pause);
                    self.worker.completions.release_visits();
                    if is_about_a_row(&error) && self.isolated(rule, config).await {
                        self.rules[rule.id.0].not_before = None;
                        round.there_is_more = true;
                    }
                    round.wait_for(pause);
                }
            }
        }
        self.apart.visited(!round.leaves_out, round.found);
        round
    }

    /// Whether the job for which a visit was refused is out of the way.
    async fn isolated(&mut self, rule: &KeyRule, config: &Config) -> bool {
        self.set_aside_of(rule, config).await.unwrap_or_else(|error| {
            telemetry::fetch::visit_failed(&rule.name, &described(&error));
            false
        })
    }

    async fn visit(
        &mut self,
        rule: &KeyRule,
        config: &Config,
        round: &mut Round,
    ) -> sqlx::Result<()> {
        if let Some(pause) = self.rules[rule.id.0].pause() {
            self.worker.completions.release_visits();
            round.wait_for(pause);
            return Ok(());
        }
        let worker_id = self.worker.id();
        let is_paused = self.worker.pauses.has(&rule.queue, &rule.kind);
        self.gather(rule, self.rules[rule.id.0].last, config).await;
        let permits =
            if is_paused { 0 } else { self.permits_for(&rule.queue, &rule.share(), config) };
        let done = self.worker.completions.take_completed_of(rule.id, worker_id, COMPLETIONS);
        if permits == 0 && done.is_empty() {
            round.leaves_out |= !is_paused;
            return Ok(());
        }
        self.declare(rule).await?;
        let state = &self.rules[rule.id.0];
        let (after, hands_over) = (state.after.clone(), state.hands_over());
        let begun = state.begun.clone();
        let visit = Visit {
            rule: rule.id,
            limit: rule.limit,
            name: &rule.name,
            queue: &rule.queue,
            permits,
            after: &after,
            begun: begun.as_ref(),
            hands_over,
            needs: self.worker.permits.needs_of(rule.id.0),
        };
        let leases = done.leases();
        let completed = Completed { runs: &leases, keep: config.retention.keeps_completed() };
        let (store, sent) = (self.worker.store.clone(), Instant::now());
        let visited = self.connection.ask(async |connection| {
            store.visit_gates(connection, worker_id, completed, visit).await
        });
        match telemetry::fetch::visit_span(&rule.name, permits, visited).await {
            Ok(mut visited) => {
                let took_all = permits > 0 && visited.fetched.jobs.len() >= permits;
                self.rules[rule.id.0].last = LastVisit { lasted: sent.elapsed(), took_all };
                visited.fetched.note_sent(sent);
                done.written(std::mem::take(&mut visited.completed));
                self.worker.failures.fetch_succeeded();
                self.visited(rule, config, visited, (permits, hands_over), round).await
            }
            Err(error) => {
                self.note_if_lost(&error);
                done.failed(&error);
                Err(error)
            }
        }
    }

    async fn visited(
        &mut self,
        rule: &KeyRule,
        config: &Config,
        visited: Visited,
        (permits, hands_over): (usize, bool),
        round: &mut Round,
    ) -> sqlx::Result<()> {
        let state = &mut self.rules[rule.id.0];
        let found = !visited.fetched.jobs.is_empty();
        round.found |= found;
        state.empty_at = (permits > 0 && !found && visited.summary.taken == 0).then(Instant::now);
        round.there_is_more |= state.learn(&visited, permits, hands_over);
        state.is_declared &= visited.summary.is_declared;
        round.there_is_more |= !visited.summary.is_declared;
        // Without a permit left, one that becomes free wakes the poller.
        round.leaves_out |= visited.fetched.jobs.len() >= permits;
        if visited.summary.skipped > 0 {
            round.wait_for(UNTIL_RELEASED);
        }
        if let Some(due) = visited.fetched.next_due_in {
            round.wait_for(due);
        }
        if !visited.fetched.jobs.is_empty() {
            self.sleep.quiet_since = Instant::now();
        }
        self.start(visited.fetched, config);
        if visited.summary.drops_owed {
            self.drop_sequences(rule, round).await?;
        }
        if visited.summary.turns_owed {
            let store = &self.worker.store;
            round.there_is_more = true;
            return self
                .connection
                .ask(async |connection| store.write_owed_turns(connection, &rule.name).await)
                .await;
        }
        Ok(())
    }

    /// Cancels what waits behind a failed job, and comes back as long as something is left.
    async fn drop_sequences(&mut self, rule: &KeyRule, round: &mut Round) -> sqlx::Result<()> {
        let store = &self.worker.store;
        let (dropped, is_left) = self
            .connection
            .ask(async |connection| store.drop_sequences(connection, &rule.name).await)
            .await?;
        if dropped > 0 {
            telemetry::fetch::sequences_dropped(&rule.name, dropped);
        }
        match (dropped, is_left) {
            // Others have locked them.
            (0, true) => round.wait_for(UNTIL_RELEASED),
            (_, is_left) => round.there_is_more |= is_left,
        }
        Ok(())
    }

    /// Writes the declared number, before the first visit of this process.
    async fn declare(&mut self, rule: &KeyRule) -> sqlx::Result<()> {
        if self.rules[rule.id.0].is_declared {
            return Ok(());
        }
        let store = &self.worker.store;
        let declared = [(rule.name.as_str(), rule.limit)];
        self.connection
            .ask(async |connection| store.declare_key_limits(connection, &declared).await)
            .await?;
        self.rules[rule.id.0].is_declared = true;
        Ok(())
    }

    pub(super) fn permits_for(&self, queue: &str, share: &Share, config: &Config) -> usize {
        let permits = &self.worker.permits;
        let scopes = [PermitScope::Queue(queue), PermitScope::Share(share)];
        let free = permits.free(PermitScope::All, config);
        let free = scopes.into_iter().map(|of| permits.free(of, config)).fold(free, std::cmp::min);
        self.worker.completions.unwritten().room(free).permits
    }
}

impl RuleState {
    /// How long it is not to be visited, after a failure.
    fn pause(&self) -> Option<Duration> {
        let pause = self.not_before?.saturating_duration_since(Instant::now());
        Some(pause).filter(|pause| !pause.is_zero())
    }
}

impl Round {
    pub(super) fn wait_for(&mut self, due: Duration) {
        self.next_due_in = super::earlier(self.next_due_in, Some(due));
    }
}
