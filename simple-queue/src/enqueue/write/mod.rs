//! Writes rows, and finds jobs that were stored before.

mod by_function;
mod conflict;
mod held;
mod ids;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection};
use tokio::time::timeout_at;
use uuid::Uuid;

use super::{EnqueueOutcome, Inserted, connections::Connections, failure::Failure, wake::Wake};
use crate::{
    database::{
        Servers, Tries, again,
        failure::{NoAnswer, is_lock_timeout, missing_grant},
    },
    row::NewJob,
    store::{Store, Written},
};
use held::find_held_key;
use ids::first_lease;

/// Destination of inserts whose commit the library sees.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    pub(crate) servers: Servers,
    pub(crate) store: Store,
    pub(crate) wake: Arc<Wake>,
    /// How long a call tries to reach the database; `None`: as long as all calls do.
    pub(crate) patience: Option<Duration>,
}

/// Inserts jobs and wakes the workers after the commit.
pub(super) async fn insert_and_wake(
    destination: &Destination,
    own: &Connections,
    jobs: &[NewJob],
) -> Result<Vec<Inserted>, Failure> {
    insert_to(destination, own, jobs, false).await
}

/// Inserts jobs of which an earlier try may have inserted some, as above.
pub(super) async fn insert_again(
    destination: &Destination,
    own: &Connections,
    jobs: &[NewJob],
) -> Result<Vec<Inserted>, Failure> {
    insert_to(destination, own, jobs, true).await
}

async fn insert_to(
    Destination { servers, store, wake, patience }: &Destination,
    own: &Connections,
    jobs: &[NewJob],
    repeated: bool,
) -> Result<Vec<Inserted>, Failure> {
    let notify = wake.notifies_itself();
    let until = patience.map(|patience| Instant::now() + patience);
    let insertion = Insertion { repeated, until, ..Insertion::new(store, notify, jobs) };
    let Written { rows: inserted, workers_sleep } =
        insert_through(servers, Some(own), insertion, jobs).await?;
    wake.wake_local();
    if workers_sleep && !notify {
        wake.enqueued(servers, store, jobs.iter().map(|job| job.queue.clone()));
    }
    Ok(inserted)
}

/// Inserts jobs, on a connection outside the pool if there is one.
pub(super) async fn insert_through(
    servers: &Servers,
    own: Option<&Connections>,
    insertion: Insertion<'_>,
    jobs: &[NewJob],
) -> Result<Written<Inserted>, Failure> {
    let all: Vec<&NewJob> = jobs.iter().collect();
    let statements = statements(&all);
    loop {
        let until = insertion.until;
        let inserted = again!(tries = Tries::until(until) => {
            insert_until(until, own, servers, statements, async |connection| {
                let repeated = insertion.repeated || tries.may_be_done();
                insert_once(connection, Insertion { repeated, ..insertion }, jobs).await
            })
        });
        return match inserted {
            Err(Failure::Held { error, among }) => {
                let held = find_held_key(servers, insertion, jobs, &among).await;
                Err(Failure::of_held(held, error, servers.lock_timeout()))
            }
            Err(Failure::Database(error))
                if missing_grant(&error).is_some() && !insertion.store.enqueues_by_function() =>
            {
                let asked =
                    async |to: &mut PgConnection| insertion.store.find_way_to_enqueue(to).await;
                servers.ask(1, asked).await?;
                if insertion.store.enqueues_by_function() {
                    continue;
                }
                Err(error.into())
            }
            inserted => inserted,
        };
    }
}

/// Waits for a connection until this time, and for the answer as long as it takes: a statement that
/// was sent may be carried out.
async fn insert_until<T>(
    until: Option<Instant>,
    own: Option<&Connections>,
    servers: &Servers,
    statements: usize,
    once: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Some(until) = until else { return insert_on(own, servers, statements, once).await };
    let (began, limit) = (AtomicBool::new(false), until.saturating_duration_since(Instant::now()));
    // Boxed, so that calls of a queue without a spool have no room for it.
    let mut inserted = Box::pin(insert_on(own, servers, statements, async |connection| {
        began.store(true, Ordering::Relaxed);
        once(connection).await
    }));
    match timeout_at(until.into(), &mut inserted).await {
        Ok(answer) => answer,
        Err(_) if began.load(Ordering::Relaxed) => inserted.await,
        Err(_) => Err(Failure::Database(NoAnswer { limit }.into())),
    }
}

/// The connections outside the pool, if there are any.
async fn insert_on<T>(
    own: Option<&Connections>,
    servers: &Servers,
    statements: usize,
    once: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match own {
        Some(own) => own.ask(servers, statements, once).await,
        None => servers.ask(statements, once).await,
    }
}

async fn insert_once(
    connection: &mut PgConnection,
    insertion: Insertion<'_>,
    jobs: &[NewJob],
) -> Result<Written<Inserted>, Failure> {
    // Jobs of an earlier try may have run and left the live table; they must not run again.
    let there = if insertion.repeated && !insertion.store.enqueues_by_function() {
        insertion.inserted_before(connection, jobs.iter()).await?
    } else {
        HashSet::new()
    };
    let missing: Vec<&NewJob> = jobs.iter().filter(|job| !there.contains(&job.id)).collect();
    // Several statements need a transaction. A single statement saves its two round trips.
    let Written { rows: inserted, workers_sleep } =
        if needs_transaction(&missing) && !connection.is_in_transaction() {
            let mut tx = connection.begin().await?;
            let inserted = insertion.run(&mut tx, missing).await?;
            tx.commit().await?;
            inserted
        } else {
            insertion.run(connection, missing).await?
        };
    let mut inserted = inserted.into_iter();
    let all = jobs.iter().map(|job| {
        if there.contains(&job.id) {
            Inserted { id: job.id, outcome: EnqueueOutcome::Inserted }
        } else {
            inserted.next().expect("one answer for each job that was missing")
        }
    });
    // Workers may not have been notified of the earlier try.
    let workers_sleep = workers_sleep || insertion.repeated;
    Ok(Written { rows: all.collect(), workers_sleep })
}

/// How one call inserts its jobs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Insertion<'s> {
    pub(super) store: &'s Store,
    /// Whether the statements wake idle workers.
    pub(super) notify: bool,
    /// Whether an earlier try may have been carried out. If so, a conflict with a job's own id is
    /// this call's job.
    pub(super) repeated: bool,
    /// When it no longer tries to reach the database.
    until: Option<Instant>,
    /// The first lease of its jobs; see [`super::ids`].
    pub(super) first_lease: i64,
}

/// Limits of one statement, in rows and bytes. From a thousand rows on it was measured as fast as a
/// binary COPY, and it is far below the gigabyte that the protocol carries at once.
pub(super) const ROWS_PER_STATEMENT: usize = 1000;
const BYTES_PER_STATEMENT: usize = 16 * 1024 * 1024;

impl<'s> Insertion<'s> {
    pub(super) fn new(store: &'s Store, notify: bool, jobs: &[NewJob]) -> Self {
        Self { store, notify, repeated: false, until: None, first_lease: first_lease(jobs) }
    }

    pub(super) async fn run<'j>(
        &self,
        connection: &mut PgConnection,
        jobs: impl IntoIterator<Item = &'j NewJob>,
    ) -> Result<Written<Inserted>, Failure> {
        let jobs: Vec<&NewJob> = jobs.into_iter().collect();
        let (keyed, plain) = split_by_key(&jobs);
        let (mut answers, mut workers_sleep) = (HashMap::new(), false);
        let by_function = self.store.enqueues_by_function();
        if !by_function {
            self.refuse_used_ids(connection, &jobs).await?;
        }
        for chunk in chunks(&plain) {
            workers_sleep |= if by_function {
                self.insert_by_function(connection, chunk, &mut answers).await?
            } else {
                self.insert_plain(connection, chunk, &mut answers).await?
            };
        }
        // All of them or none, so that keys are taken in one order.
        let by_function = by_function || keyed.iter().any(|job| job.has_key_rules());
        for chunk in chunks(&keyed) {
            let inserted = if by_function {
                self.insert_by_function(connection, chunk, &mut answers).await
            } else {
                self.insert_keyed(connection, chunk, &mut answers).await
            };
            workers_sleep |= inserted.map_err(|failure| match failure {
                Failure::Database(error) if is_lock_timeout(&error) => {
                    Failure::Held { error, among: chunk.iter().map(|job| job.id).collect() }
                }
                failure => failure,
            })?;
        }
        Ok(in_order(&jobs, &answers, workers_sleep))
    }

    /// Inserts jobs without unique keys. No answer is needed for the new ones. Returns whether idle
    /// workers do not know of them.
    async fn insert_plain(
        &self,
        connection: &mut PgConnection,
        jobs: &[&NewJob],
        answers: &mut HashMap<Uuid, Inserted>,
    ) -> Result<bool, Failure> {
        if let [first, others @ ..] = jobs
            && !self.repeated
            && !first.has_extras()
            && jobs.iter().all(|job| job.has_new_id)
            && others.iter().all(|job| job.is_like(first))
        {
            return Ok(self.store.insert_alike_jobs(connection, first, jobs, self.notify).await?);
        }
        let Written { rows, workers_sleep } =
            self.store.insert_jobs(connection, jobs, self.first_lease, self.notify).await?;
        let new: HashSet<Uuid> = rows.into_iter().collect();
        let there: Vec<&NewJob> =
            jobs.iter().copied().filter(|job| !new.contains(&job.id)).collect();
        let ours = if self.repeated && !there.is_empty() {
            self.inserted_before(connection, there.iter().copied()).await?
        } else {
            HashSet::new()
        };
        let duplicates = there.iter().map(|job| job.id).filter(|id| !ours.contains(id));
        let outcome = EnqueueOutcome::Duplicate;
        answers.extend(duplicates.map(|id| (id, Inserted { id, outcome })));
        Ok(workers_sleep)
    }
}

/// Returns the answers in the order of the jobs; a job without an answer was inserted.
fn in_order(
    jobs: &[&NewJob],
    answers: &HashMap<Uuid, Inserted>,
    workers_sleep: bool,
) -> Written<Inserted> {
    let inserted = |id| Inserted { id, outcome: EnqueueOutcome::Inserted };
    let answer = |job: &&NewJob| answers.get(&job.id).copied().unwrap_or(inserted(job.id));
    Written { rows: jobs.iter().map(answer).collect(), workers_sleep }
}

/// Number of statements that these jobs take if every key is taken.
pub(super) fn statements(jobs: &[&NewJob]) -> usize {
    // The insert, a lookup of ids, the replacement, the rescheduling, and a lookup of the keys'
    // holders.
    const FOR_KEYED: usize = 5;
    let (keyed, plain) = split_by_key(jobs);
    std::cmp::max(1, chunks(&plain).len() + FOR_KEYED * chunks(&keyed).len())
}

/// Returns whether these jobs take several writing statements, which must be carried out together
/// or not at all. One job with a key may take several statements, but only the last one writes.
fn needs_transaction(jobs: &[&NewJob]) -> bool {
    let (keyed, plain) = split_by_key(jobs);
    chunks(&plain).len() + std::cmp::min(keyed.len(), 2) > 1
}

/// Splits jobs with a key from jobs without. Only those without share a statement freely: an open
/// transaction may hold a key, and then only its own statement waits. The keyed jobs are sorted by
/// key, so that two batches that share keys never deadlock.
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
