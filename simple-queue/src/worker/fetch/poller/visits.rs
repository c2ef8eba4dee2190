//! Visits: how jobs under a limit for each key are claimed.
//!
//! Such jobs are in no fetch index. Each limit has a statement of its own, sent only by processes that run its jobs. A
//! visit writes the completions of its jobs too, so that the next job of a key takes over the place of the one before.

use std::time::{Duration, Instant};

use super::{
    Poller,
    rule_state::{Asked, RuleState},
};
use crate::{
    admission::PermitScope,
    database::failure::{described, is_about_a_row},
    finalize::CompletedRuns,
    queue::{config::Config, registry::KeyRule, served::Share},
    store::{Completed, Places, Visit, VisitSummary, Visited},
    telemetry,
};

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
pub(super) const COMPLETIONS: usize = 1000;

/// 10 ms until the next visit of gates that another process held.
const UNTIL_RELEASED: Duration = Duration::from_millis(10);

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
        if self.hand_over(rule, config, round).await? {
            round.there_is_more = true;
            return Ok(());
        }
        let permits =
            if is_paused { 0 } else { self.permits_for(&rule.queue, &rule.share(), config) };
        let done = self.worker.completions.take_completed_of(rule.id, worker_id, COMPLETIONS);
        if permits == 0 && done.is_empty() {
            round.leaves_out |= !is_paused;
            return Ok(());
        }
        self.declare(rule).await?;
        let all = config.most_at_once(&rule.queue);
        let state = &mut self.rules[rule.id.0];
        let places = state.places(done.len(), all.saturating_sub(permits) + done.len(), all);
        let (after, begun) = (state.after.clone(), state.begun.clone());
        let visit = Visit {
            after: &after,
            begun: begun.as_ref(),
            needs: self.worker.permits.needs_of(rule.id.0),
            ..visit_of(rule, permits, places)
        };
        let leases = done.leases();
        let completed = Completed { runs: &leases, keep: config.retention.keeps_completed() };
        let (store, sent) = (self.worker.store.clone(), Instant::now());
        let visited = self.connection.ask(async |connection| {
            store.visit_gates(connection, worker_id, completed, visit).await
        });
        let visited = telemetry::fetch::visit_span(&rule.name, permits, visited).await;
        let asked = Asked { completed: leases.len(), permits, places, sent };
        drop(leases);
        let summary = self.take_in(rule, config, done, (asked, visited), round)?;
        self.follow_up(rule, &summary, round).await
    }

    /// Takes in the answer of a visit, and starts its jobs.
    pub(super) fn take_in(
        &mut self,
        rule: &KeyRule,
        config: &Config,
        done: CompletedRuns,
        (asked, visited): (Asked, sqlx::Result<Visited>),
        round: &mut Round,
    ) -> sqlx::Result<VisitSummary> {
        let mut visited = match visited {
            Ok(visited) => visited,
            Err(error) => {
                self.note_if_lost(&error);
                done.failed(&error);
                return Err(error);
            }
        };
        visited.fetched.note_sent(asked.sent);
        done.written(std::mem::take(&mut visited.completed));
        self.worker.failures.fetch_succeeded();
        let state = &mut self.rules[rule.id.0];
        let found = !visited.fetched.jobs.is_empty();
        round.found |= found;
        round.there_is_more |= state.learn(rule, asked, &visited);
        state.is_declared &= visited.summary.is_declared;
        round.there_is_more |= !visited.summary.is_declared;
        // Without a permit left, one that becomes free wakes the poller.
        round.leaves_out |= visited.fetched.jobs.len() >= asked.permits;
        if visited.summary.skipped > 0 {
            round.wait_for(UNTIL_RELEASED);
        }
        if let Some(due) = visited.fetched.next_due_in {
            round.wait_for(due);
        }
        if found {
            self.sleep.quiet_since = Instant::now();
        }
        self.start(visited.fetched, config);
        Ok(visited.summary)
    }

    /// Does what a visit has found to be owed.
    async fn follow_up(
        &mut self,
        rule: &KeyRule,
        summary: &VisitSummary,
        round: &mut Round,
    ) -> sqlx::Result<()> {
        if summary.drops_owed {
            self.drop_sequences(rule, round).await?;
        }
        if !summary.turns_owed {
            return Ok(());
        }
        let store = &self.worker.store;
        round.there_is_more = true;
        self.connection
            .ask(async |connection| store.write_owed_turns(connection, &rule.name).await)
            .await
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

/// A visit from the first key on.
pub(super) fn visit_of(rule: &KeyRule, permits: usize, places: Places) -> Visit<'_> {
    Visit {
        rule: rule.id,
        limit: rule.limit,
        name: &rule.name,
        queue: &rule.queue,
        permits,
        after: "",
        begun: None,
        places,
        needs: Duration::ZERO,
    }
}

impl Round {
    pub(super) fn wait_for(&mut self, due: Duration) {
        self.next_due_in = super::earlier(self.next_due_in, Some(due));
    }
}
