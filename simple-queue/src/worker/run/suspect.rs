//! Jobs that have killed processes before run alone.

use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::{database::Dedicated, store::Store};

/// From this many crashes on a job is a suspect. One crash says little: all that the process ran was
/// counted.
pub(crate) const SUSPECT_FROM: i32 = 2;

/// Lets one suspect run at a time and writes its id beforehand, so that the death of the process is
/// counted against it alone.
#[derive(Debug)]
pub(crate) struct Suspects {
    store: Store,
    connection: Mutex<Dedicated>,
}

/// The right of a suspect to run; nobody else is one meanwhile.
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

    /// Whether one runs here.
    pub(crate) fn is_busy(&self) -> bool {
        self.connection.try_lock().is_err()
    }

    /// Names the suspect; `None` while another one runs here, or when the name could not be written.
    pub(crate) async fn admit(&self, worker_id: Uuid, job_id: Uuid) -> Option<SuspectPermit<'_>> {
        let connection = self.connection.try_lock().ok()?;
        let mut permit = SuspectPermit { store: &self.store, connection, worker_id };
        match permit.name(Some(job_id)).await {
            Ok(()) => Some(permit),
            Err(error) => {
                tracing::warn!(error = %crate::database::failure::described(&error), %job_id, "a job that has killed processes is not started, because its name could not be written first");
                None
            }
        }
    }
}

impl SuspectPermit<'_> {
    /// The suspect's run is over and the process still lives.
    pub(crate) async fn clear(mut self) {
        // Left in the row, the name would excuse the next job that kills this process.
        if let Err(error) = self.name(None).await {
            tracing::warn!(error = %crate::database::failure::described(&error), "the name of a suspect that survived could not be cleared");
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
