//! Inserts jobs with unique keys and settles conflicts.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Insertion;
use crate::{
    enqueue::{EnqueueOutcome, Inserted, failure::Failure},
    job::OnConflict,
    row::NewJob,
};

impl Insertion<'_> {
    /// Inserts jobs with unique keys. The holder of a key may finish between the insert and the
    /// lookup, so the steps repeat until every job has its answer. Returns whether idle workers do
    /// not know of the new rows.
    pub(super) async fn insert_keyed(
        &self,
        connection: &mut PgConnection,
        jobs: &[&NewJob],
        answers: &mut HashMap<Uuid, Inserted>,
    ) -> Result<bool, Failure> {
        let (mut open, mut workers_sleep) = (jobs.to_vec(), false);
        while !open.is_empty() {
            let inserted =
                self.store.insert_jobs(connection, &open, self.first_lease, self.notify).await?;
            workers_sleep |= inserted.workers_sleep;
            for id in inserted.rows {
                answers.insert(id, Inserted { id, outcome: EnqueueOutcome::Inserted });
            }
            open.retain(|job| !answers.contains_key(&job.id));
            if open.is_empty() {
                break;
            }
            // The conflict may be the job's own id, under another key.
            let ids: Vec<Uuid> = open.iter().map(|job| job.id).collect();
            let there = self.store.find_jobs_anywhere(connection, &ids).await?;
            for (id, lease) in there {
                let outcome = if self.repeated && self.is_ours(lease) {
                    EnqueueOutcome::Inserted
                } else {
                    EnqueueOutcome::Duplicate
                };
                answers.insert(id, Inserted { id, outcome });
            }
            open.retain(|job| !answers.contains_key(&job.id));
            if !open.is_empty() {
                workers_sleep |= self.settle_conflicts(connection, &open, answers).await?;
                open.retain(|job| !answers.contains_key(&job.id));
            }
        }
        Ok(workers_sleep)
    }

    /// Applies each job's `on_conflict` to the current holder of its key. A job whose key is free
    /// again stays without an answer. Returns what `insert_keyed` returns.
    async fn settle_conflicts(
        &self,
        connection: &mut PgConnection,
        jobs: &[&NewJob],
        answers: &mut HashMap<Uuid, Inserted>,
    ) -> Result<bool, Failure> {
        let asking_for = |wanted: OnConflict| -> Vec<&NewJob> {
            jobs.iter().copied().filter(|job| job.on_conflict == wanted).collect()
        };
        let mut answer = |jobs: &[&NewJob], holders: Vec<(Uuid, String)>, outcome| {
            let holders: HashMap<String, Uuid> =
                holders.into_iter().map(|(id, key)| (key, id)).collect();
            for job in jobs {
                if let Some(&id) = job.unique_key.as_ref().and_then(|key| holders.get(key)) {
                    answers.entry(job.id).or_insert(Inserted { id, outcome });
                }
            }
        };
        let (replacing, mut workers_sleep) = (asking_for(OnConflict::Replace), false);
        if !replacing.is_empty() {
            let replaced = self.store.replace_jobs(connection, &replacing, self.notify).await?;
            workers_sleep = replaced.workers_sleep;
            answer(&replacing, replaced.rows, EnqueueOutcome::Replaced);
        }
        let rescheduling = asking_for(OnConflict::Reschedule);
        if !rescheduling.is_empty() {
            let rescheduled =
                self.store.reschedule_jobs(connection, &rescheduling, self.notify).await?;
            workers_sleep |= rescheduled.workers_sleep;
            answer(&rescheduling, rescheduled.rows, EnqueueOutcome::Rescheduled);
        }
        let keys: Vec<&str> = jobs.iter().filter_map(|job| job.unique_key.as_deref()).collect();
        let holders = self.store.find_jobs_by_unique_key(connection, &keys).await?;
        let refused = asking_for(OnConflict::Error).into_iter().find_map(|job| {
            let key = job.unique_key.as_ref()?;
            holders.iter().find(|(_, held)| held == key).cloned()
        });
        if let Some((job_id, unique_key)) = refused {
            return Err(Failure::Duplicate { unique_key, job_id });
        }
        answer(jobs, holders, EnqueueOutcome::Duplicate);
        Ok(workers_sleep)
    }
}
