//! Writing rows, and finding the ones that were there already.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use sqlx::{Acquire, PgConnection, PgPool};
use uuid::Uuid;

use super::{Target, Via, validate::validate};
use crate::{
    Error,
    error::{is_ambiguous, is_transient},
    row::NewJob,
    store::Store,
};

/// What became of one job, in the order in which they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inserted {
    /// Its id, or that of the live job that has its unique key.
    pub(crate) id: Uuid,
    pub(crate) is_new: bool,
}

/// Inserts jobs: all of them, or none where an error is returned.
#[tracing::instrument(name = "enqueue", skip_all, fields(jobs = jobs.len()))]
pub(crate) async fn insert(target: Target<'_>, jobs: Vec<NewJob>) -> Result<Vec<Inserted>, Error> {
    jobs.iter().try_for_each(validate)?;
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    match target.0 {
        Via::Connection { connection, store } => {
            insert_on(connection, &store, &jobs, true).await.map_err(Error::database("enqueue"))
        }
        Via::Pool { pool, store, wake } => {
            let inserted = insert_through(&pool, &store, &jobs, wake.is_none())
                .await
                .map_err(Error::database("enqueue"))?;
            if let Some(wake) = wake {
                wake.enqueued(&pool, &store, jobs.into_iter().map(|job| job.queue));
            }
            Ok(inserted)
        }
    }
}

/// How often a statement that failed in passing is repeated, with growing waits of about three
/// seconds in all: long enough for a server to restart, short enough for a request to wait.
const REPEATS: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(50);

async fn insert_through(
    pool: &PgPool,
    store: &Store,
    jobs: &[NewJob],
    notify: bool,
) -> sqlx::Result<Vec<Inserted>> {
    let mut answer_was_lost = false;
    let mut repeat = 0;
    loop {
        let error = match insert_once(pool, store, jobs, notify, answer_was_lost).await {
            Ok(inserted) => return Ok(inserted),
            Err(error) => error,
        };
        // A pool without a free connection has been waited for already.
        let exhausted = matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed);
        if exhausted || !is_transient(&error) || repeat == REPEATS {
            return Err(error);
        }
        answer_was_lost |= is_ambiguous(&error);
        let wait = FIRST_WAIT * 2_u32.pow(repeat);
        tracing::debug!(%error, ?wait, "enqueue failed in passing and is repeated");
        tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64())).await;
        repeat += 1;
    }
}

async fn insert_once(
    pool: &PgPool,
    store: &Store,
    jobs: &[NewJob],
    notify: bool,
    answer_was_lost: bool,
) -> sqlx::Result<Vec<Inserted>> {
    let mut connection = pool.acquire().await?;
    // What an earlier try inserted may have run and left the live table since; it must not run again.
    let there: HashSet<Uuid> = if answer_was_lost {
        let ids: Vec<Uuid> = jobs.iter().map(|job| job.id).collect();
        store.find_jobs_anywhere(&mut connection, &ids).await?.into_iter().collect()
    } else {
        HashSet::new()
    };
    let missing: Vec<NewJob> =
        jobs.iter().filter(|job| !there.contains(&job.id)).cloned().collect();
    // What takes several statements takes a transaction; one alone is spared the two round trips.
    let inserted = if missing.len() > ROWS_PER_STATEMENT
        || missing.len() > 1 && missing.iter().any(|job| job.unique_key.is_some())
    {
        let mut tx = connection.begin().await?;
        let inserted = insert_on(&mut tx, store, &missing, notify).await?;
        tx.commit().await?;
        inserted
    } else {
        insert_on(&mut connection, store, &missing, notify).await?
    };
    let mut inserted = inserted.into_iter();
    Ok(jobs
        .iter()
        .map(|job| match there.contains(&job.id) {
            true => Inserted { id: job.id, is_new: true },
            false => inserted.next().expect("one answer for each job that was missing"),
        })
        .collect())
}

/// So many rows go into one statement: measured as fast as a binary COPY from here on, and short
/// enough that a row is locked for milliseconds.
const ROWS_PER_STATEMENT: usize = 1000;

async fn insert_on(
    connection: &mut PgConnection,
    store: &Store,
    jobs: &[NewJob],
    notify: bool,
) -> sqlx::Result<Vec<Inserted>> {
    let (mut keyed, plain): (Vec<&NewJob>, Vec<&NewJob>) =
        jobs.iter().partition(|job| job.unique_key.is_some());
    // Two batches that share keys take them in one order, so that neither waits for the other's.
    keyed.sort_by(|a, b| a.unique_key.cmp(&b.unique_key));

    let mut answers: HashMap<Uuid, Inserted> = HashMap::with_capacity(jobs.len());
    for chunk in plain.chunks(ROWS_PER_STATEMENT) {
        let new: HashSet<Uuid> =
            store.insert_jobs(connection, chunk, notify).await?.into_iter().collect();
        for job in chunk {
            answers.insert(job.id, Inserted { id: job.id, is_new: new.contains(&job.id) });
        }
    }
    for chunk in keyed.chunks(ROWS_PER_STATEMENT) {
        insert_keyed(connection, store, chunk, notify, &mut answers).await?;
    }
    Ok(jobs.iter().map(|job| answers[&job.id]).collect())
}

/// Inserts jobs with unique keys. Whoever holds a key may end between the insert that met it and the
/// look at who it is, so both are repeated until every job is inserted or found.
async fn insert_keyed(
    connection: &mut PgConnection,
    store: &Store,
    jobs: &[&NewJob],
    notify: bool,
    answers: &mut HashMap<Uuid, Inserted>,
) -> sqlx::Result<()> {
    let mut open = jobs.to_vec();
    while !open.is_empty() {
        for id in store.insert_jobs(connection, &open, notify).await? {
            answers.insert(id, Inserted { id, is_new: true });
        }
        open.retain(|job| !answers.contains_key(&job.id));
        let keys: Vec<&str> = open.iter().filter_map(|job| job.unique_key.as_deref()).collect();
        let holders: HashMap<String, Uuid> = match keys.is_empty() {
            true => HashMap::new(),
            false => store
                .find_jobs_by_unique_key(connection, &keys)
                .await?
                .into_iter()
                .map(|(id, key)| (key, id))
                .collect(),
        };
        open.retain(|job| {
            let holder = job.unique_key.as_ref().and_then(|key| holders.get(key));
            if let Some(&id) = holder {
                answers.insert(job.id, Inserted { id, is_new: id == job.id });
            }
            holder.is_none()
        });
    }
    Ok(())
}
