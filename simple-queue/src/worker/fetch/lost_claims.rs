//! Claims that may have been carried out without our hearing of it.
//!
//! What such a claim took is in this process's name, and nobody knows of it. The poller alone claims, and it
//! does not while it looks; so whatever is in the name of this process then and unknown to it came from there.

use std::time::{Duration, Instant};

use crate::{
    database::{Dedicated, Servers, failure::is_about_a_row},
    store::{Name, Reaped},
    upkeep::orphans::return_apart,
    worker::Worker,
};

/// The last claim that was not heard of, until what it took is certain to be back.
pub(in crate::worker) struct LostClaims {
    last: Option<LostClaim>,
    /// Looking reads the whole table.
    upkeep: Dedicated,
}

#[derive(Debug, Clone, Copy)]
struct LostClaim {
    /// When what it took is looked for next.
    due: Instant,
    /// How often that has been done.
    looks: usize,
    /// When its answer was found to be lost.
    noted_at: Instant,
}

/// 1 and 5 minutes from one look to the next. The first look comes when the server has ended the statement, after
/// the time that it may take; these are for a request that was still on its way when the network was cut. The last
/// one is repeated until a heartbeat has been committed that began after the claim: a claim whose commit waits for a
/// standby is seen by no look before, and then is.
const LATER_LOOKS: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(5)];

impl LostClaims {
    pub(in crate::worker) fn new(servers: &Servers) -> Self {
        Self { last: None, upkeep: Dedicated::for_upkeep(servers) }
    }

    /// A claim was made that got no answer; the server ends it within this time.
    pub(in crate::worker) fn note(&mut self, statement_timeout: Duration) {
        self.last = Some(LostClaim {
            due: Instant::now() + statement_timeout,
            looks: 0,
            noted_at: Instant::now(),
        });
    }

    /// Whether jobs may be in this process's name of which it does not know.
    pub(in crate::worker) fn any(&self) -> bool {
        self.last.is_some()
    }

    /// How long until they are looked for.
    pub(in crate::worker) fn until_due(&self) -> Option<Duration> {
        self.last.map(|claim| claim.due.saturating_duration_since(Instant::now()))
    }

    /// Looks for what was taken, if it is time, and returns it.
    pub(in crate::worker) async fn return_what_is_due(&mut self, worker: &Worker) {
        let now = Instant::now();
        let Some(claim) = self.last.filter(|claim| claim.due <= now) else { return };
        let (worker_id, held) = (worker.id(), worker.running.ids());
        let is_confirmed = worker.beaten_at() > claim.noted_at;
        let store = &worker.store;
        let mut returned = self
            .upkeep
            .ask(async |connection| store.return_unheld_jobs(connection, worker_id, &held).await)
            .await;
        if let Err(error) = &returned
            && is_about_a_row(error)
        {
            let name = Name::Own { worker_id, held: &held };
            returned = return_apart(&mut self.upkeep, store, name, i32::MAX, error).await;
        }
        self.last = match returned {
            Ok(reaped) => {
                if reaped != Reaped::default() {
                    tracing::warn!(
                        returned = reaped.returned,
                        "returned jobs of a claim whose answer was lost"
                    );
                }
                claim.next_look(is_confirmed)
            }
            Err(error) => {
                tracing::warn!(error = %crate::database::failure::described(&error), "what a claim took whose answer was lost could not be returned yet");
                Some(LostClaim { due: now + Servers::STATEMENT_TIMEOUT, ..claim })
            }
        };
    }
}

impl LostClaim {
    fn next_look(self, is_confirmed: bool) -> Option<Self> {
        let pause = match LATER_LOOKS.get(self.looks) {
            Some(pause) => *pause,
            None if is_confirmed => return None,
            None => *LATER_LOOKS.last()?,
        };
        Some(Self { due: Instant::now() + pause, looks: self.looks + 1, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_go_on_until_one_follows_a_committed_heartbeat() {
        let now = Instant::now();
        let mut claim = Some(LostClaim { due: now, looks: 0, noted_at: now });
        for _ in 0..10 {
            claim = claim.and_then(|claim| claim.next_look(false));
        }
        let claim = claim.expect("nothing was committed since");
        assert!(claim.next_look(true).is_none());
        let first = LostClaim { due: now, looks: 0, noted_at: now };
        assert!(first.next_look(true).is_some(), "a request may still be on its way");
    }
}
