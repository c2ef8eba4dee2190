//! One job with everything about it.

use uuid::Uuid;

use super::{
    ActRecord, Admin, JobDetail, JobRow, KeyHolder, LiveJob, Right, cursor::Place, looking::Looker,
};
use crate::{Error, JobFilter, database::again};

/// 4 MiB, longer than any payload that can be stored.
const WHOLE: i32 = 4 * 1024 * 1024;

/// 20 acts, upper bound of those that are shown with a job.
const ACTS: i64 = 20;

impl Admin {
    /// Returns everything about one job, in whichever table it is; `None` if no table has it.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] without [`Right::See`]; [`Error::Database`] when it fails.
    pub async fn job(&self, id: Uuid) -> Result<Option<JobDetail>, Error> {
        self.demand(Right::See)?;
        let filter = JobFilter::any().ids([id]);
        let looker = Looker::new(self.queue.store(), &filter, self.sees_contents());
        let Some(row) = self.step(&looker, Place::NEWEST, 1).await?.rows.pop() else {
            return Ok(None);
        };
        if !self.sees_contents() {
            let job = JobRow::of(row)?;
            let acts = Vec::new();
            return Ok(Some(JobDetail { job, live: None, key_holder: None, acts }));
        }
        let contents = self.contents(std::slice::from_ref(&row), WHOLE).await?.remove(&id);
        let key = contents.as_ref().and_then(|contents| contents.unique_key.clone());
        let job = JobRow { contents, ..JobRow::of(row)? };
        let store = self.queue.store();
        let read = again!(tries => self.queue.ask_for(3, async |connection| {
            let live = if job.status.is_final() {
                None
            } else {
                store.read_circumstances(&mut *connection, id).await?
            };
            let holder = match &key {
                Some(key) => store.find_holder_of_key(&mut *connection, key).await?,
                None => None,
            };
            Ok((live, holder, store.list_acts_on_job(connection, id, ACTS).await?))
        }));
        let (live, holder, acts) = read.map_err(Error::database("read a job"))?;
        let key_holder =
            holder.map(|holder| KeyHolder { job_id: holder.job_id, kept_until: holder.kept_until });
        let acts = acts.into_iter().map(ActRecord::of).collect();
        Ok(Some(JobDetail { job, live: live.map(LiveJob::of), key_holder, acts }))
    }
}
