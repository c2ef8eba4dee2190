//! Payloads that are too long to be sent along with a claim.

use std::time::Duration;

use crate::{
    database::failure::is_transient,
    finalize::FinishedRun,
    job::JobStatus,
    outcome::{DeadLetter, Retry},
    row::Lease,
    store::FetchedJob,
    worker::Worker,
};

/// 16 MiB of text: longer payloads are not read. The library stores none of more than
/// [`MAX_PAYLOAD_BYTES`](crate::MAX_PAYLOAD_BYTES).
const MOST: i32 = 16 * 1024 * 1024;

/// 1 s until a payload that could not be read for the moment is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads the payload where the claim left it out, one at a time in a process; else, what becomes of the job.
pub(in crate::worker) async fn load(
    worker: &Worker,
    fetched: &mut FetchedJob,
) -> Result<(), FinishedRun> {
    if fetched.job.stored.is_some() {
        return Ok(());
    }
    let lease = fetched.claim.lease;
    let read = {
        let _one = worker.long_payloads.lock().await;
        let store = &worker.store;
        let servers = worker.client.servers();
        servers
            .ask(1, async |connection| store.read_payload(connection, lease.job_id, MOST).await)
            .await
    };
    match read {
        Ok(Some((Some(text), _))) => {
            fetched.job.stored = Some(text);
            Ok(())
        }
        Ok(Some((None, length))) => {
            Err(unreadable(lease, format!("its payload has {length} bytes; the limit is {MOST}")))
        }
        // Another process has it by now.
        Ok(None) => Err(FinishedRun::given_back(lease)),
        Err(error) if is_transient(&error) => {
            tracing::warn!(%error, job_id = %lease.job_id, "a long payload could not be read yet; its job is given back");
            let transition = Retry::given_back(PAUSE).into();
            Err(FinishedRun { transition, ..FinishedRun::given_back(lease) })
        }
        Err(error) => Err(unreadable(lease, format!("its payload cannot be read: {error}"))),
    }
}

fn unreadable(lease: Lease, reason: String) -> FinishedRun {
    tracing::warn!(job_id = %lease.job_id, reason, "becomes a dead letter");
    let letter =
        DeadLetter { status: JobStatus::Unprocessable, reason, attempt_kept: true, error: None };
    let transition = letter.into();
    FinishedRun { transition, ..FinishedRun::given_back(lease) }
}
