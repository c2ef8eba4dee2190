//! What a run has to do with rates: it starts in the time of its token, and may hold all other starts.

use std::time::{Duration, Instant};

use sqlx::PgConnection;

use super::Execution;
use crate::{database::failure::described, queue::shared_limit::SharedLimit, telemetry};

/// 366 days, upper bound of the time for which a handler holds a rate.
const LONGEST_HOLD: Duration = Duration::from_hours(366 * 24);

impl Execution<'_> {
    /// Whether the token of the job counts no more, because too much time has passed since it was taken. Then the next
    /// jobs get more.
    pub(super) fn is_past_its_token(&self) -> bool {
        let is_late = self.start_by.is_some_and(|by| Instant::now() >= by);
        if is_late {
            let of_queue = self.config.limit_of(&self.job().queue);
            self.worker.permits.was_late(of_queue.into_iter().chain(&self.handler.limits));
        }
        is_late || self.is_past_the_token_of_its_key()
    }

    fn is_past_the_token_of_its_key(&self) -> bool {
        let Some(token) = self.fetched.token else { return false };
        let is_late = token.start_by.is_some_and(|by| Instant::now() >= by);
        if let Some(rule) = self.claim().lease.rule.filter(|_| is_late) {
            self.worker.permits.was_late_in(rule.0, token.start_within);
        }
        is_late
    }

    /// Lets no job under the same rates start for this time, in any process.
    pub(super) async fn hold_rates(&self, after: Duration) {
        let of_queue = self.config.limit_of(&self.job().queue);
        let rated = |limit: &&SharedLimit| limit.rate.is_some();
        let mut limits: Vec<&SharedLimit> = self.handler.limits.iter().filter(rated).collect();
        let holds_key = self.fetched.token.is_some();
        if limits.is_empty() && !holds_key {
            limits.extend(of_queue.filter(rated));
        }
        let mut names: Vec<String> = limits.into_iter().map(|limit| limit.name.clone()).collect();
        self.worker.permits.hold(&names);
        let (store, id) = (&self.worker.store, self.job().id);
        let after = std::cmp::min(after, LONGEST_HOLD);
        let hold = async |connection: &mut PgConnection| {
            if holds_key {
                store.hold_gate(connection, id, after).await?;
            }
            if !names.is_empty() {
                store.hold_rates(connection, &names, after).await?;
            }
            Ok(())
        };
        if !holds_key && names.is_empty() {
            return;
        }
        #[cfg(feature = "testing")]
        if self.worker.client.unit().is_some() {
            return;
        }
        if let Err(error) = self.worker.client.servers().ask(1, hold).await {
            names.extend(holds_key.then(|| format!("the key of a {}", self.job().kind)));
            telemetry::run::rates_not_held(&names.join(", "), &described(&error));
        }
    }
}
