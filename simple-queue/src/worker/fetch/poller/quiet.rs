//! Limits for each key that have nothing to do.
//!
//! A visit is a large statement, and needs permits. So of limits whose last visit found nothing, a small statement asks
//! first whether there are turns, of all of them together and also while the process has no permit.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Poller, visits::Round};
use crate::{database::failure::described, queue::registry::KeyRule, telemetry};

/// 20 ms between two looks or fetches that find nothing, while other jobs keep the process busy: each is a statement.
const EMPTY_FOR: Duration = Duration::from_millis(20);

impl Poller {
    /// Returns the limits that may have something to do.
    pub(super) async fn with_work(
        &mut self,
        rules: Vec<Arc<KeyRule>>,
        round: &mut Round,
    ) -> Vec<Arc<KeyRule>> {
        let is_busy = self.backlog.of_lanes || self.backlog.of_keys;
        let (mut to_visit, mut quiet) = (Vec::new(), Vec::new());
        for rule in rules {
            let empty_at = self.rules[rule.id.0].empty_at;
            if empty_at.is_none() || self.worker.completions.count_completed_of(rule.id) > 0 {
                to_visit.push(rule);
            } else if let Some(rest) = rest_of_empty(empty_at).filter(|_| is_busy) {
                round.wait_for(rest);
            } else {
                quiet.push(rule);
            }
        }
        // In an idle process a look would only delay the visit of a single limit.
        if is_busy && !quiet.is_empty() || quiet.len() > 1 {
            quiet = self.with_turns(quiet, round).await;
        }
        to_visit.append(&mut quiet);
        to_visit
    }

    /// Returns those of these limits that have turns.
    async fn with_turns(
        &mut self,
        mut quiet: Vec<Arc<KeyRule>>,
        round: &mut Round,
    ) -> Vec<Arc<KeyRule>> {
        let names: Vec<&str> = quiet.iter().map(|rule| rule.name.as_str()).collect();
        let store = &self.worker.store;
        let looked = self
            .connection
            .ask(async |connection| store.look_for_turns(connection, &names).await)
            .await;
        match looked {
            Ok((with_turns, wait)) => {
                if let Some(wait) = wait {
                    round.wait_for(wait);
                }
                quiet.retain(|rule| {
                    let has_turns = with_turns.contains(&rule.name);
                    if !has_turns {
                        self.rules[rule.id.0].empty_at = Some(Instant::now());
                    }
                    has_turns
                });
            }
            Err(error) => {
                telemetry::fetch::look_for_turns_failed(&described(&error));
                self.worker.failures.fetch_failed(&error);
            }
        }
        quiet
    }
}

/// How long a look that found nothing is not to be repeated, while other jobs keep the process busy.
pub(super) fn rest_of_empty(empty_at: Option<Instant>) -> Option<Duration> {
    let rest = EMPTY_FOR.saturating_sub(empty_at?.elapsed());
    Some(rest).filter(|rest| !rest.is_zero())
}
