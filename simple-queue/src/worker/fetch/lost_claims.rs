//! Claims whose response was lost.
//!
//! Such a claim may have been committed, and its jobs are then under this process's id without its knowledge. Only the
//! poller claims, and it does not while it searches. So any job that is then under this process's id and unknown to the
//! process came from a lost claim.

use std::time::{Duration, Instant};

use crate::{
    database::{
        Dedicated, Servers,
        failure::{described, is_about_a_row},
    },
    store::{Name, Reaped, Stuck},
    telemetry,
    upkeep::orphans::return_apart,
    worker::Worker,
};

/// The last lost claim, until all jobs that it took are certain to be returned.
pub(in crate::worker) struct LostClaims {
    last: Option<LostClaim>,
    /// The search reads the whole table.
    upkeep: Dedicated,
}

#[derive(Debug, Clone, Copy)]
struct LostClaim {
    /// When the next search for its jobs is due.
    due: Instant,
    /// Number of searches so far.
    looks: usize,
    /// When its response was found to be lost.
    noted_at: Instant,
}

/// 1 and 5 minutes from one search to the next. The first search comes once the server has ended the statement, after
/// its statement timeout. The later ones are for a request that was still on its way when the network broke. The last
/// one is repeated until a heartbeat has been committed that began after the claim: a claim whose commit waits for a
/// standby is invisible to every search before that, and visible afterwards.
const LATER_LOOKS: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(5)];

impl LostClaims {
    pub(in crate::worker) fn new(servers: &Servers) -> Self {
        Self { last: None, upkeep: Dedicated::for_upkeep(servers) }
    }

    /// Records a claim without a response; the server ends its statement within this time.
    pub(in crate::worker) fn note(&mut self, statement_timeout: Duration) {
        let (now, due) = (Instant::now(), Instant::now() + statement_timeout);
        // Two claims may be under way at once.
        let other = self.last.filter(|claim| claim.looks == 0).map(|claim| claim.due);
        let due = other.map_or(due, |other| std::cmp::max(other, due));
        self.last = Some(LostClaim { due, looks: 0, noted_at: now });
    }

    /// Returns whether jobs may be under this process's id without its knowledge.
    pub(in crate::worker) fn any(&self) -> bool {
        self.last.is_some()
    }

    /// Time until the next search.
    pub(in crate::worker) fn until_due(&self) -> Option<Duration> {
        self.last.map(|claim| claim.due.saturating_duration_since(Instant::now()))
    }

    /// Searches for the jobs of a lost claim, if a search is due, and returns them.
    pub(in crate::worker) async fn return_what_is_due(&mut self, worker: &Worker) {
        let now = Instant::now();
        let Some(claim) = self.last.filter(|claim| claim.due <= now) else { return };
        let (worker_id, held) = (worker.id(), worker.running.ids());
        let is_confirmed = worker.beaten_at().is_some_and(|at| at > claim.noted_at);
        let store = &worker.store;
        let mut returned = self
            .upkeep
            .ask(async |connection| store.return_unheld_jobs(connection, worker_id, &held).await)
            .await;
        if let Err(error) = &returned
            && is_about_a_row(error)
        {
            let name = Name::Own { worker_id, held: &held };
            let upkeep = &mut self.upkeep;
            returned =
                return_apart(upkeep, store, name, i32::MAX, error, &mut Stuck::default()).await;
        }
        self.upkeep.close().await;
        self.last = match returned {
            Ok(reaped) => {
                if reaped != Reaped::default() {
                    telemetry::fetch::lost_claim_returned(reaped.returned);
                }
                claim.next_look(is_confirmed)
            }
            Err(error) => {
                telemetry::fetch::lost_claim_not_returned(&described(&error));
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
