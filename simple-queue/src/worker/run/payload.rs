//! Payloads that are too long to be sent with a claim.

use std::time::Duration;

use crate::{
    database::failure::{described, is_transient},
    finalize::FinishedRun,
    job::JobStatus,
    outcome::{DeadLetter, Retry},
    row::Lease,
    store::FetchedJob,
    telemetry,
    worker::Worker,
};

/// 16 MiB of text, upper bound of a payload that is read. The library stores none of more than
/// [`MAX_PAYLOAD_BYTES`](crate::MAX_PAYLOAD_BYTES).
const MOST: i32 = 16 * 1024 * 1024;

/// 1 s until a job is due again whose payload could not be read because of a transient failure.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads a payload that the claim left out, one at a time in a process. Where that fails, returns the job's outcome.
pub(in crate::worker) async fn load(
    worker: &Worker,
    fetched: &mut FetchedJob,
) -> Result<(), FinishedRun> {
    if fetched.job.stored.is_some() {
        return Ok(());
    }
    let lease = fetched.claim.lease;
    // Boxed, because the future of an exchange has several kilobytes, and those of all runs would have its size.
    let read = Box::pin(async {
        let _one = worker.long_payloads.lock().await;
        let store = &worker.store;
        let servers = worker.client.servers();
        servers
            .ask(1, async |connection| store.read_payload(connection, lease.job_id, MOST).await)
            .await
    });
    match read.await {
        Ok(Some((Some(text), _))) => {
            fetched.job.stored = Some(text);
            Ok(())
        }
        Ok(Some((None, length))) => {
            Err(unreadable(lease, format!("its payload has {length} bytes; the limit is {MOST}")))
        }
        // Another process has the job by now.
        Ok(None) => Err(FinishedRun::given_back(lease)),
        Err(error) if is_transient(&error) => {
            telemetry::run::payload_not_read(lease.job_id, &described(&error));
            let transition = Retry::given_back(PAUSE).into();
            Err(FinishedRun { transition, ..FinishedRun::given_back(lease) })
        }
        Err(error) => Err(unreadable(lease, format!("its payload cannot be read: {error}"))),
    }
}

fn unreadable(lease: Lease, reason: String) -> FinishedRun {
    telemetry::run::payload_unreadable(lease.job_id, &reason);
    let letter =
        DeadLetter { status: JobStatus::Unprocessable, reason, attempt_kept: true, error: None };
    let transition = letter.into();
    FinishedRun { transition, ..FinishedRun::given_back(lease) }
}
