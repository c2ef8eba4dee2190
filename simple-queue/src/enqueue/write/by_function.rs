//! Inserts jobs through the database's function: those of a role that may not write to the tables,
//! and those with keys that stay taken for a time or are taken over from running jobs. Such a key
//! takes several statements, which a single call carries out together or not at all, on a bare
//! connection too.

use std::collections::HashMap;

use serde::Deserialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Insertion;
use crate::{
    enqueue::{EnqueueOutcome, Inserted, failure::Failure},
    row::NewJob,
};

impl Insertion<'_> {
    /// Inserts jobs through the function, which settles conflicts of keys itself and notifies
    /// workers. So it returns that no idle worker is without knowledge of the new rows.
    pub(super) async fn insert_by_function(
        &self,
        connection: &mut PgConnection,
        jobs: &[&NewJob],
        answers: &mut HashMap<Uuid, Inserted>,
    ) -> Result<bool, Failure> {
        let enqueued = self.store.enqueue_many(connection, jobs, self.repeated).await;
        for (job, (id, outcome)) in jobs.iter().zip(enqueued.map_err(refusal)?) {
            let outcome = match outcome.as_str() {
                "inserted" => EnqueueOutcome::Inserted,
                "replaced" => EnqueueOutcome::Replaced,
                "rescheduled" => EnqueueOutcome::Rescheduled,
                _ => EnqueueOutcome::Duplicate,
            };
            answers.insert(job.id, Inserted { id, outcome });
        }
        Ok(false)
    }
}

/// The detail of the function's error has the job whose key is taken.
fn refusal(error: sqlx::Error) -> Failure {
    #[derive(Deserialize)]
    struct Holder {
        job_id: Uuid,
        unique_key: String,
    }
    let detail = error
        .as_database_error()
        .filter(|error| error.is_unique_violation())
        .and_then(|error| error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?.detail());
    match detail.map(serde_json::from_str) {
        Some(Ok(Holder { job_id, unique_key })) => Failure::Duplicate { unique_key, job_id },
        _ => Failure::Database(error),
    }
}
