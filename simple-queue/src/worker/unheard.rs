//! Claims that may have been carried out without our hearing of it.
//!
//! What such a claim took is in this process's name, and nobody knows of it. The poller alone claims, and it
//! does not while it looks; so whatever is in the name of this process then and unknown to it came from there.

use std::time::{Duration, Instant};

use super::Worker;
use crate::store::{Dedicated, Reaped, Servers};

/// The last claim that was not heard of, until what it took is certain to be back.
pub(super) struct UnheardClaims {
    last: Option<UnheardClaim>,
    /// Looking reads the whole table.
    upkeep: Dedicated,
}

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
const LATER_LOOKS: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(5)];

impl UnheardClaims {
    pub(super) fn new(servers: &Servers) -> Self {
        Self { last: None, upkeep: Dedicated::for_upkeep(servers) }
    }

    /// A claim was made that got no answer; the server ends it within this time.
    pub(super) fn note(&mut self, statement_timeout: Duration) {
        self.last = Some(UnheardClaim { due: Instant::now() + statement_timeout, looks: 0 });
    }

    /// Whether jobs may be in this process's name of which it does not know.
    pub(super) fn any(&self) -> bool {
        self.last.is_some()
    }

    /// How long until they are looked for.
    pub(super) fn until_due(&self) -> Option<Duration> {
        self.last.map(|claim| claim.due.saturating_duration_since(Instant::now()))
    }

    /// Looks for what was taken, if it is time, and returns it.
    pub(super) async fn return_what_is_due(&mut self, worker: &Worker) {
        let now = Instant::now();
        let Some(claim) = self.last.filter(|claim| claim.due <= now) else { return };
        let (worker_id, held) = (worker.id(), worker.running.ids());
        let store = &worker.store;
        let returned = self
            .upkeep
            .ask(async |connection| store.return_unheld_jobs(connection, worker_id, &held).await)
            .await;
        self.last = match returned {
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
                tracing::warn!(error = %crate::error::described(&error), "what a claim took whose answer was lost could not be returned yet");
                Some(UnheardClaim { due: now + Servers::STATEMENT_TIMEOUT, ..claim })
            }
        };
    }
}

impl UnheardClaim {
    fn next_look(self) -> Option<Self> {
        let pause = LATER_LOOKS.get(self.looks)?;
        Some(Self { due: Instant::now() + *pause, looks: self.looks + 1 })
    }
}
