//! The single entry for all jobs that are to be stored.

use std::collections::HashSet;

use super::{
    Target, Via,
    inserted::Inserted,
    validate::validate,
    write::{Insertion, insert_and_wake, insert_through},
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
        Via::Queue { destination, coalescer } => match <[NewJob; 1]>::try_from(jobs) {
            Ok([job]) if job.unique_key.is_none() && job.has_new_id => {
                Ok(vec![coalescer.insert(destination, job).await?])
            }
            Ok(job) => Ok(insert_and_wake(&destination, coalescer.calls(), &job).await?),
            Err(jobs) => Ok(insert_and_wake(&destination, coalescer.calls(), &jobs).await?),
        },
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
