//! Writing rows, and finding the ones that were there already.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{EnqueueOutcome, Target, Via, gathering::Destination, validate::validate};
use crate::{
    Error,
    error::{FailedStatement, is_ambiguous, is_transient},
    job::OnConflict,
    row::NewJob,
    store::{Servers, Store},
};

/// What became of one job, in the order in which they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inserted {
    /// Its id, or that of the live job that has its unique key.
    pub(crate) id: Uuid,
    pub(crate) outcome: EnqueueOutcome,
}

/// Inserts jobs: all of them, or none where an error is returned.
#[tracing::instrument(name = "enqueue", skip_all, fields(jobs = jobs.len()))]
pub(crate) async fn insert(target: Target<'_>, jobs: Vec<NewJob>) -> Result<Vec<Inserted>, Error> {
    jobs.iter().try_for_each(validate)?;
    refuse_repeated_ids(&jobs)?;
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    match target.0 {
        Via::Connection { connection, store } => {
            let insertion = Insertion { store: &store, notify: true, repeated: false };
            insertion.run(connection, &jobs).await.map_err(Error::from)
        }
        Via::Pool { servers, store } => {
            let insertion = Insertion { store: &store, notify: true, repeated: false };
            insert_through(&servers, insertion, &jobs).await.map_err(Error::from)
        }
        Via::Queue { destination, gathering } => match <[NewJob; 1]>::try_from(jobs) {
            Ok([job]) if job.unique_key.is_none() => {
                Ok(vec![gathering.insert(destination, job).await?])
            }
            Ok(job) => insert_and_wake(&destination, &job).await.map_err(Error::from),
            Err(jobs) => insert_and_wake(&destination, &jobs).await.map_err(Error::from),
        },
    }
}

/// Inserts jobs where their commit is seen, and wakes the workers after it.
pub(super) async fn insert_and_wake(
    Destination { servers, store, wake }: &Destination,
    jobs: &[NewJob],
) -> Result<Vec<Inserted>, Failure> {
    let notify = wake.notifies_itself();
    let insertion = Insertion { store, notify, repeated: false };
    let inserted = insert_through(servers, insertion, jobs).await?;
    wake.wake_local();
    if !notify {
        wake.enqueued(servers, store, jobs.iter().map(|job| job.queue.clone()));
    }
    Ok(inserted)
}

/// A clone of a [`Job`](crate::Job) has its id; two of them would be one row.
fn refuse_repeated_ids(jobs: &[NewJob]) -> Result<(), Error> {
    let mut ids = HashSet::with_capacity(jobs.len());
    match jobs.iter().find(|job| !ids.insert(job.id)) {
        Some(job) => Err(Error::DuplicateId { job_id: job.id }),
        None => Ok(()),
    }
}

/// How often a statement that failed in passing is repeated, with growing waits of about three
/// seconds in all: long enough for a server to restart, short enough for a request to wait.
const REPEATS: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(50);

async fn insert_through(
    servers: &Servers,
    mut insertion: Insertion<'_>,
    jobs: &[NewJob],
) -> Result<Vec<Inserted>, Failure> {
    let all: Vec<&NewJob> = jobs.iter().collect();
    let mut repeat = 0;
    loop {
        let once =
            async |connection: &mut PgConnection| insert_once(connection, insertion, jobs).await;
        let error = match servers.ask(statements(&all), once).await {
            Err(Failure::Database(error)) => error,
            inserted_or_refused => return inserted_or_refused,
        };
        // A pool without a free connection has been waited for already.
        let exhausted = matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed);
        if exhausted || !is_transient(&error) || repeat == REPEATS {
            return Err(error.into());
        }
        insertion.repeated |= is_ambiguous(&error);
        let wait = FIRST_WAIT * 2_u32.pow(repeat);
        tracing::debug!(%error, ?wait, "enqueue failed in passing and is repeated");
        tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64())).await;
        repeat += 1;
    }
}

async fn insert_once(
    connection: &mut PgConnection,
    insertion: Insertion<'_>,
    jobs: &[NewJob],
) -> Result<Vec<Inserted>, Failure> {
    // What an earlier try inserted may have run and left the live table since; it must not run again.
    let there = match insertion.repeated {
        true => ids_anywhere(connection, insertion.store, jobs.iter()).await?,
        false => HashSet::new(),
    };
    let missing: Vec<&NewJob> = jobs.iter().filter(|job| !there.contains(&job.id)).collect();
    // What takes several statements takes a transaction; one alone is spared the two round trips.
    let inserted = if statements(&missing) > 1 {
        let mut tx = connection.begin().await?;
        let inserted = insertion.run(&mut tx, missing).await?;
        tx.commit().await?;
        inserted
    } else {
        insertion.run(connection, missing).await?
    };
    let mut inserted = inserted.into_iter();
    Ok(jobs
        .iter()
        .map(|job| match there.contains(&job.id) {
            true => Inserted { id: job.id, outcome: EnqueueOutcome::Inserted },
            false => inserted.next().expect("one answer for each job that was missing"),
        })
        .collect())
}

async fn ids_anywhere(
    connection: &mut PgConnection,
    store: &Store,
    jobs: impl Iterator<Item = &NewJob>,
) -> sqlx::Result<HashSet<Uuid>> {
    let ids: Vec<Uuid> = jobs.map(|job| job.id).collect();
    Ok(store.find_jobs_anywhere(connection, &ids).await?.into_iter().collect())
}

/// Why jobs were not inserted.
pub(super) enum Failure {
    Database(sqlx::Error),
    /// A job that must not be a duplicate is one.
    Duplicate {
        unique_key: String,
        job_id: Uuid,
    },
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl FailedStatement for Failure {
    fn failed_statement(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Duplicate { .. } => None,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error) => Self::database("enqueue")(error),
            Failure::Duplicate { unique_key, job_id } => Self::Duplicate { unique_key, job_id },
        }
    }
}

/// One try at inserting jobs.
#[derive(Debug, Clone, Copy)]
struct Insertion<'s> {
    store: &'s Store,
    /// Whether the statements wake sleeping workers.
    notify: bool,
    /// An earlier try may have been carried out: a job that is stopped by its own id is ours.
    repeated: bool,
}

/// So many rows, of so many bytes, go into one statement: measured as fast as a binary COPY from a
/// thousand rows on, and far below the gigabyte that the protocol carries at once.
pub(super) const ROWS_PER_STATEMENT: usize = 1000;
const BYTES_PER_STATEMENT: usize = 16 * 1024 * 1024;

impl Insertion<'_> {
    async fn run<'j>(
        &self,
        connection: &mut PgConnection,
        jobs: impl IntoIterator<Item = &'j NewJob>,
    ) -> Result<Vec<Inserted>, Failure> {
        let jobs: Vec<&NewJob> = jobs.into_iter().collect();
        let (keyed, plain) = split_by_key(&jobs);
        let mut answers: HashMap<Uuid, Inserted> = HashMap::with_capacity(jobs.len());
        for chunk in chunks(&plain) {
            let new = self.store.insert_jobs(connection, chunk, self.notify).await?;
            let new: HashSet<Uuid> = new.into_iter().collect();
            for job in chunk {
                let outcome = match new.contains(&job.id) || self.repeated {
                    true => EnqueueOutcome::Inserted,
                    false => EnqueueOutcome::Duplicate,
                };
                answers.insert(job.id, Inserted { id: job.id, outcome });
            }
        }
        for chunk in chunks(&keyed) {
            self.insert_keyed(connection, chunk, &mut answers).await?;
        }
        Ok(jobs.iter().map(|job| answers[&job.id]).collect())
    }

    /// Inserts jobs with unique keys. Whoever holds a key may end between the insert that met it and the
    /// look at who it is, so all of it is repeated until every job has its answer.
    async fn insert_keyed(
        &self,
        connection: &mut PgConnection,
        jobs: &[&NewJob],
        answers: &mut HashMap<Uuid, Inserted>,
    ) -> Result<(), Failure> {
        let mut open = jobs.to_vec();
        loop {
            for id in self.store.insert_jobs(connection, &open, self.notify).await? {
                answers.insert(id, Inserted { id, outcome: EnqueueOutcome::Inserted });
            }
            open.retain(|job| !answers.contains_key(&job.id));
            if open.is_empty() {
                return Ok(());
            }
            // It may be the job's own id that is there already, under whatever key.
            let there = ids_anywhere(connection, self.store, open.iter().copied()).await?;
            for id in there {
                let outcome = match self.repeated {
                    true => EnqueueOutcome::Inserted,
                    false => EnqueueOutcome::Duplicate,
                };
                answers.insert(id, Inserted { id, outcome });
            }
            open.retain(|job| !answers.contains_key(&job.id));
            self.settle_conflicts(connection, &open, answers).await?;
            open.retain(|job| !answers.contains_key(&job.id));
        }
    }

    /// Does to the live jobs that have the keys of these what each of these asks for. One whose key nobody
    /// holds any more is left without an answer.
    async fn settle_conflicts(
        &self,
        connection: &mut PgConnection,
        jobs: &[&NewJob],
        answers: &mut HashMap<Uuid, Inserted>,
    ) -> Result<(), Failure> {
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
        let replacing = asking_for(OnConflict::Replace);
        if !replacing.is_empty() {
            let replaced = self.store.replace_jobs(connection, &replacing, self.notify).await?;
            answer(&replacing, replaced, EnqueueOutcome::Replaced);
        }
        let rescheduling = asking_for(OnConflict::Reschedule);
        if !rescheduling.is_empty() {
            let rescheduled = self.store.reschedule_jobs(connection, &rescheduling).await?;
            answer(&rescheduling, rescheduled, EnqueueOutcome::Rescheduled);
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
        Ok(())
    }
}

/// How many statements these jobs take at least.
fn statements(jobs: &[&NewJob]) -> usize {
    let (keyed, plain) = split_by_key(jobs);
    // Several keyed jobs may take a second look, and all of them shall be there or none.
    let keyed = if keyed.len() > 1 { 2 } else { keyed.len() };
    chunks(&plain).len() + keyed
}

/// Jobs with a key and jobs without. Only those without share a statement freely: a key may be held by an
/// open transaction, and then only its own statement waits. They are in the order of their keys, so that
/// two batches that share keys never wait for each other.
fn split_by_key<'j>(jobs: &[&'j NewJob]) -> (Vec<&'j NewJob>, Vec<&'j NewJob>) {
    let (mut keyed, plain): (Vec<&NewJob>, Vec<&NewJob>) =
        jobs.iter().partition(|job| job.unique_key.is_some());
    keyed.sort_by(|a, b| a.unique_key.cmp(&b.unique_key));
    (keyed, plain)
}

fn chunks<'c, 'j>(jobs: &'c [&'j NewJob]) -> Vec<&'c [&'j NewJob]> {
    let (mut chunks, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, job) in jobs.iter().enumerate() {
        let full = at - start == ROWS_PER_STATEMENT || bytes > BYTES_PER_STATEMENT;
        if full {
            chunks.push(&jobs[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += job.job_data.len();
    }
    if start < jobs.len() {
        chunks.push(&jobs[start..]);
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Job;

    fn jobs(count: usize, bytes: usize) -> Vec<NewJob> {
        (0..count).map(|_| NewJob::from(Job::new("q", "x".repeat(bytes)))).collect()
    }

    fn sizes(jobs: &[NewJob]) -> Vec<usize> {
        let jobs: Vec<&NewJob> = jobs.iter().collect();
        chunks(&jobs).into_iter().map(<[_]>::len).collect()
    }

    #[test]
    fn a_statement_holds_a_bounded_number_of_rows_and_bytes() {
        assert_eq!(sizes(&[]), Vec::<usize>::new());
        assert_eq!(sizes(&jobs(2500, 10)), [1000, 1000, 500]);
        let large = sizes(&jobs(40, 1_000_000));
        assert!(large.iter().all(|&rows| rows <= 17), "{large:?}");
        assert_eq!(large.iter().sum::<usize>(), 40);
    }
}
