//! Suspects, which are jobs that were running in several crashes, run alone.

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
}

/// The right of a suspect to run; no other suspect runs in the meantime.
#[derive(Debug)]
pub(crate) struct SuspectPermit<'s> {
    store: &'s Store,
    connection: MutexGuard<'s, Dedicated>,
    worker_id: Uuid,
}

impl Suspects {
    pub(crate) fn new(store: Store, connection: Dedicated) -> Self {
        Self { store, connection: Mutex::new(connection) }
    }

    /// Returns whether a suspect runs here.
    pub(crate) fn is_busy(&self) -> bool {
        self.connection.try_lock().is_err()
    }

    /// Writes the suspect's id; `None` while another suspect runs here, or when the id could not be written.
    pub(crate) async fn admit(&self, worker_id: Uuid, job_id: Uuid) -> Option<SuspectPermit<'_>> {
        let connection = self.connection.try_lock().ok()?;
        let mut permit = SuspectPermit { store: &self.store, connection, worker_id };
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
                self.store.mark_suspect(connection, self.worker_id, suspect_id).await
            })
            .await
    }
}
