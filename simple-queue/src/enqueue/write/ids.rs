//! Ensures that an id is used once, and tells this call's job from an earlier one with the same id.
//!
//! The library's ids are new, so no lookup is needed. A caller's id may have been used: a clone of
//! a [`Job`](crate::Job) has its id, and the field is public. Those ids are looked up among the
//! jobs that have ended. The lookup misses a job that ends at that moment, so the leases of such
//! jobs also begin at a random number: an outcome of the earlier job is never taken for one of this
//! job.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Insertion;
use crate::{enqueue::failure::Failure, row::NewJob};

/// 2^24, more runs than any job has. Leases of one job are no further apart.
const LEASES_OF_A_JOB: i64 = 1 << 24;

/// Returns the first lease of these jobs.
pub(super) fn first_lease(jobs: &[NewJob]) -> i64 {
    if jobs.iter().all(|job| job.has_new_id) { 0 } else { fastrand::i64(1 << 32..1 << 62) }
}

impl Insertion<'_> {
    /// Returns which of these jobs an earlier try of this call has inserted, wherever they are now.
    pub(super) async fn inserted_before(
        &self,
        connection: &mut PgConnection,
        jobs: impl Iterator<Item = &NewJob>,
    ) -> sqlx::Result<HashSet<Uuid>> {
        let ids: Vec<Uuid> = jobs.map(|job| job.id).collect();
        let found = self.store.find_jobs_anywhere(connection, &ids).await?;
        Ok(found.into_iter().filter(|(_, lease)| self.is_ours(*lease)).map(|(id, _)| id).collect())
    }

    /// Returns whether this call inserted the job with this id and lease.
    pub(super) fn is_ours(&self, lease: i64) -> bool {
        self.first_lease == 0
            || (self.first_lease..self.first_lease + LEASES_OF_A_JOB).contains(&lease)
    }

    /// Refuses ids that were used before. Ids made for this call are new; the caller's are looked
    /// up.
    pub(super) async fn refuse_used_ids(
        &self,
        connection: &mut PgConnection,
        jobs: &[&NewJob],
    ) -> Result<(), Failure> {
        let ids: Vec<Uuid> = jobs.iter().filter(|job| !job.has_new_id).map(|job| job.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        // An id without a timestamp may be as old as the archive.
        let since = ids.iter().map(|id| made_at(*id)).min().flatten();
        match self.store.find_used_id(connection, &ids, since).await? {
            Some(job_id) => Err(Failure::IdUsed { job_id }),
            None => Ok(()),
        }
    }
}

/// Returns when an id was made, if it has a timestamp.
fn made_at(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Job;

    #[test]
    fn the_id_of_a_job_is_new_until_it_is_cloned_or_changed() {
        let is_new = |job: Job| NewJob::from(job).has_new_id;
        assert!(is_new(Job::new("q", 1)));
        let job = Job::new("q", 1);
        assert!(!is_new(job.clone()));
        assert!(!is_new(job), "the clone may have been inserted");
        let mut job = Job::new("q", 1).with_unique_key("k");
        assert!(is_new(std::mem::replace(&mut job, Job::new("q", 2))));
        job.id = Uuid::now_v7();
        assert!(!is_new(job));
    }

    #[test]
    fn an_id_says_when_it_was_made_or_nothing() {
        assert!(made_at(Uuid::now_v7()).is_some());
        assert_eq!(made_at(Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef)), None);
    }

    #[test]
    fn only_the_leases_of_callers_ids_begin_at_random() {
        let job = Job::new("q", 1);
        let clone = NewJob::from(job.clone());
        assert!(first_lease(&[clone]) >= 1 << 32);
        assert_eq!(first_lease(&[NewJob::from(Job::new("q", 1))]), 0);
    }
}
