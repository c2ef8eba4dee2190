//! Suspects, which are jobs that were running in several crashes, run alone.

use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::{
    database::{Dedicated, failure::described},
    store::Store,
    telemetry,
};

/// Number of crashes from which on a job is a suspect. One crash says little, because every job that the process ran is
/// counted.
pub(crate) const SUSPECT_FROM: i32 = 2;

/// Lets one suspect run at a time and writes its id before it starts, so that a crash of the process is counted against
/// this job alone.
#[derive(Debug)]
pub(crate) struct Suspects {
    store: Store,
    connection: Mutex<Dedicated>,
    place: Place,
}

/// The place of the one suspect of a process: taken from its claim until its run has ended.
#[derive(Debug, Default)]
struct Place(parking_lot::Mutex<PlaceState>);

#[derive(Debug, Default)]
enum PlaceState {
    #[default]
    Free,
    /// A suspect was claimed and has not begun yet. Without this state the next heartbeat would have another one
    /// claimed, in vain.
    Claimed(Instant),
    Runs,
}

/// 1 s, in which a claimed suspect begins. One that is given back before it begins takes the place no longer than that.
const TIME_TO_BEGIN: Duration = Duration::from_secs(1);

/// The right of a suspect to run; no other suspect runs in the meantime.
#[derive(Debug)]
pub(crate) struct SuspectPermit<'s> {
    suspects: &'s Suspects,
    connection: MutexGuard<'s, Dedicated>,
    worker_id: Uuid,
}

impl Suspects {
    pub(crate) fn new(store: Store, connection: Dedicated) -> Self {
        Self { store, connection: Mutex::new(connection), place: Place::default() }
    }

    /// Returns whether a suspect runs here, or was claimed and is about to.
    pub(crate) fn is_busy(&self) -> bool {
        self.place.is_taken(Instant::now())
    }

    /// A suspect was claimed and will begin.
    pub(crate) fn claimed(&self) {
        self.place.claimed(Instant::now());
    }

    /// Writes the suspect's id; `None` while another suspect runs here, or when the id could not be written.
    pub(crate) async fn admit(&self, worker_id: Uuid, job_id: Uuid) -> Option<SuspectPermit<'_>> {
        let connection = self.connection.try_lock().ok()?;
        self.place.set(PlaceState::Runs);
        let mut permit = SuspectPermit { suspects: self, connection, worker_id };
        match permit.name(Some(job_id)).await {
            Ok(()) => Some(permit),
            Err(error) => {
                telemetry::run::suspect_not_started(job_id, &described(&error));
                None
            }
        }
    }
}

impl SuspectPermit<'_> {
    /// The suspect's run has ended and the process is alive.
    pub(crate) async fn clear(mut self) {
        // An id that stays in the row would be counted instead of the next job that kills this process.
        if let Err(error) = self.name(None).await {
            telemetry::run::suspect_not_cleared(&described(&error));
        }
    }

    async fn name(&mut self, suspect_id: Option<Uuid>) -> sqlx::Result<()> {
        self.connection
            .ask(async |connection| {
                self.suspects.store.mark_suspect(connection, self.worker_id, suspect_id).await
            })
            .await
    }
}

impl Drop for SuspectPermit<'_> {
    fn drop(&mut self) {
        self.suspects.place.set(PlaceState::Free);
    }
}

impl Place {
    fn is_taken(&self, now: Instant) -> bool {
        match *self.0.lock() {
            PlaceState::Free => false,
            PlaceState::Claimed(at) => now < at + TIME_TO_BEGIN,
            PlaceState::Runs => true,
        }
    }

    fn claimed(&self, now: Instant) {
        let mut state = self.0.lock();
        if !matches!(*state, PlaceState::Runs) {
            *state = PlaceState::Claimed(now);
        }
    }

    fn set(&self, state: PlaceState) {
        *self.0.lock() = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_taken_from_the_claim_to_the_end_of_the_run_and_one_that_never_begins_loses_it()
    {
        let (place, now) = (Place::default(), Instant::now());
        assert!(!place.is_taken(now));
        place.claimed(now);
        assert!(place.is_taken(now));
        assert!(!place.is_taken(now + TIME_TO_BEGIN), "it was given back before it began");
        place.set(PlaceState::Runs);
        assert!(place.is_taken(now + TIME_TO_BEGIN * 100));
        place.claimed(now);
        place.set(PlaceState::Free);
        assert!(!place.is_taken(now));
    }
}
