//! The single entry for all jobs that are to be stored.

use std::{collections::HashSet, sync::Arc};

#[cfg(feature = "testing")]
use super::EnqueueOutcome;
use super::{
    Target, Via,
    coalescer::Coalescer,
    inserted::Inserted,
    spool::{Asked, Spooler},
    validate::validate,
    write::{Destination, Insertion, insert_and_wake, insert_through},
};
use crate::{Error, row::NewJob, telemetry};

/// Inserts jobs: all of them, or none if an error is returned.
pub(crate) async fn insert(target: Target<'_>, jobs: Vec<NewJob>) -> Result<Vec<Inserted>, Error> {
    telemetry::enqueue::enqueue_span(jobs.len(), insert_into(target, jobs)).await
}

async fn insert_into(target: Target<'_>, jobs: Vec<NewJob>) -> Result<Vec<Inserted>, Error> {
    jobs.iter().try_for_each(validate)?;
    refuse_repeated_ids(&jobs)?;
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    match target.0 {
        Via::Connection { connection, store } => {
            let way = store.find_way_to_enqueue(connection).await;
            way.map_err(Error::database("ask for the right to enqueue"))?;
            let insertion = Insertion::new(&store, true, &jobs);
            Ok(insertion.run(connection, &jobs).await?.rows)
        }
        Via::Pool { servers, store } => {
            let insertion = Insertion::new(&store, true, &jobs);
            Ok(insert_through(&servers, None, insertion, &jobs).await?.rows)
        }
        #[cfg(feature = "testing")]
        Via::Nowhere(enqueued) => {
            let insert = |job: &NewJob| Inserted { id: job.id, outcome: EnqueueOutcome::Inserted };
            let inserted = jobs.iter().map(insert).collect();
            enqueued.lock().extend(jobs);
            Ok(inserted)
        }
        Via::Queue { destination, coalescer, spooler: None } => {
            insert_on_queue(destination, &coalescer, jobs).await
        }
        Via::Queue { destination, coalescer, spooler: Some(spooler) } => {
            spooler.flush_in_background();
            if spooler.takes(&jobs) {
                insert_or_spool(&spooler, &coalescer, jobs).await
            } else {
                // Not coalesced with jobs that are spooled: those are tried for a shorter time.
                Ok(insert_and_wake(&destination, coalescer.calls(), &jobs).await?)
            }
        }
    }
}

async fn insert_on_queue(
    destination: Destination,
    coalescer: &Arc<Coalescer>,
    jobs: Vec<NewJob>,
) -> Result<Vec<Inserted>, Error> {
    match <[NewJob; 1]>::try_from(jobs) {
        Ok([job]) if job.unique_key.is_none() && job.has_new_id => {
            Ok(vec![coalescer.insert(destination, job).await?])
        }
        Ok(job) => Ok(insert_and_wake(&destination, coalescer.calls(), &job).await?),
        Err(jobs) => Ok(insert_and_wake(&destination, coalescer.calls(), &jobs).await?),
    }
}

/// Keeps the jobs in a file if the database cannot be reached.
///
/// The insert is over before its jobs are kept. So the flusher, which writes them when the database
/// is back, never meets an insert of this call that is tried again.
async fn insert_or_spool(
    spooler: &Arc<Spooler>,
    coalescer: &Arc<Coalescer>,
    jobs: Vec<NewJob>,
) -> Result<Vec<Inserted>, Error> {
    let asked = Asked::now();
    // If there is no room, the database is asked after all, for its error is the caller's.
    if spooler.is_away()
        && let Ok(kept) = spooler.keep(asked, &jobs).await
    {
        return Ok(kept);
    }
    let copies = jobs.clone();
    match Box::pin(insert_on_queue(spooler.destination(), coalescer, jobs)).await {
        Err(error) if error.is_unreachable() => {
            spooler.keep(asked, &copies).await.map_err(|_not_kept| error)
        }
        inserted => inserted,
    }
}

/// A clone of a [`Job`](crate::Job) has its id; two jobs of one id would be one row.
fn refuse_repeated_ids(jobs: &[NewJob]) -> Result<(), Error> {
    let mut ids = HashSet::new();
    match jobs.iter().find(|job| !job.has_new_id && !ids.insert(job.id)) {
        Some(job) => Err(Error::DuplicateId { job_id: job.id }),
        None => Ok(()),
    }
}
