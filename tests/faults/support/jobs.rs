//! The jobs of the suite. Each records its runs and effects in tables of the suite.

use std::{process, time::Duration};

use simple_queue::prelude::*;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};

#[derive(JobState)]
pub(crate) struct Hands {
    pub(crate) pool: PgPool,
}

/// Records each of its runs.
///
/// Its statement may wait for an answer on a connection that leads nowhere, for which only a time limit helps.
#[job(queue = "faults", retries = 100, backoff = fixed("20ms"), timeout = "10s")]
pub(crate) async fn count_run(
    context: &JobContext,
    pool: &PgPool,
    number: i64,
    millis: u64,
) -> Result<(), BoxDynError> {
    write_run(context, pool, number).await?;
    tokio::time::sleep(Duration::from_millis(millis)).await;
    Ok(())
}

/// Records its effect in the transaction that completes it.
#[job(queue = "faults", retries = 100, backoff = fixed("20ms"), timeout = "10s")]
pub(crate) async fn count_effect(
    context: &JobContext,
    tx: &mut JobTx,
    number: i64,
) -> Result<(), BoxDynError> {
    sqlx::query("insert into ledger.effects (job_id, number) values ($1, $2)")
        .bind(context.job_id())
        .bind(number)
        // There may be a pooler between.
        .persistent(false)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Aborts its process.
#[job(queue = "faults", retries = 100)]
pub(crate) async fn aborts(
    context: &JobContext,
    pool: &PgPool,
    number: i64,
) -> Result<(), BoxDynError> {
    write_run(context, pool, number).await?;
    process::abort();
}

/// Fails once, and enqueues another job that is due 1 s after it succeeded.
#[job(queue = "faults", retries = 1, backoff = fixed("1s"))]
pub(crate) async fn stumbles(
    context: &JobContext,
    pool: &PgPool,
    number: i64,
) -> Result<(), BoxDynError> {
    write_run(context, pool, number).await?;
    if context.attempt() == 1 {
        return Err("it stumbles the first time".into());
    }
    CountRun::new(-number, 0_u64).delay(Duration::from_secs(1)).enqueue(context).await?;
    Ok(())
}

/// The most runs of [`share_a_limit`] at once, and the class of the advisory lock that each of them holds.
pub(crate) const MOST_AT_ONCE: i64 = 20;

/// Counts how many run at once, by locks that end with the session of a process that dies. Where it `fills`, it first
/// waits until as many have run at once as may, so that this does not depend on how fast the machine is.
#[job(
    queue = "faults",
    retries = 100,
    backoff = fixed("20ms"),
    timeout = "10s",
    concurrency(limit = 20, per_process = 10)
)]
pub(crate) async fn share_a_limit(
    pool: &PgPool,
    number: i64,
    fills: bool,
) -> Result<(), BoxDynError> {
    let mut tx = count_at_once(pool, (i32::try_from(MOST_AT_ONCE)?, 0), number).await?;
    while fills && !has_been_full(&mut tx).await? {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(30)).await;
    tx.commit().await?;
    Ok(())
}

/// Whether as many runs of [`share_a_limit`] hold their lock as may, or have held it.
async fn has_been_full(tx: &mut Transaction<'_, Postgres>) -> sqlx::Result<bool> {
    let full =
        format!("select ({LOCKS}) >= $3 or exists (select from ledger.at_once where runs >= $3)");
    sqlx::query_scalar(AssertSqlSafe(full))
        .bind(MOST_AT_ONCE)
        .bind(0_i64)
        .bind(MOST_AT_ONCE)
        .fetch_one(&mut **tx)
        .await
}

/// The most runs of one key of [`share_a_key`] at once, and the class of the advisory locks that they hold.
pub(crate) const MOST_OF_A_KEY: i64 = 3;

/// Counts how many of its key run at once, as [`share_a_limit`] does.
#[job(
    queue = "faults",
    retries = 100,
    backoff = fixed("20ms"),
    timeout = "10s",
    concurrency(limit = 3, key = "{key}")
)]
pub(crate) async fn share_a_key(
    pool: &PgPool,
    key: i32,
    number: i64,
    millis: u64,
) -> Result<(), BoxDynError> {
    let tx = count_at_once(pool, (i32::try_from(MOST_OF_A_KEY)?, key), number).await?;
    tokio::time::sleep(Duration::from_millis(millis)).await;
    tx.commit().await?;
    Ok(())
}

/// Records its runs; every tenth fails twice.
#[job(queue = "faults", retries = 100, backoff = fixed("20ms"), timeout = "10s", order(key = "{key}"))]
pub(crate) async fn follow(
    context: &JobContext,
    pool: &PgPool,
    key: i32,
    number: i64,
) -> Result<(), BoxDynError> {
    write_run(context, pool, number).await?;
    if number % 10 == 3 && context.attempt() <= 2 {
        return Err(format!("job {number} of {key} stumbles").into());
    }
    Ok(())
}

/// Holds the place of its key in an open transaction for a while after its work is done.
#[job(queue = "faults", retries = 100, backoff = fixed("20ms"), timeout = "10s", order(key = "{key}"))]
pub(crate) async fn follow_slowly(
    context: &JobContext,
    tx: &mut JobTx,
    key: i32,
    number: i64,
) -> Result<(), BoxDynError> {
    sqlx::query("insert into ledger.effects (job_id, number) values ($1, $2)")
        .bind(context.job_id())
        .bind(number)
        .persistent(false)
        .execute(&mut **tx)
        .await?;
    tokio::time::sleep(Duration::from_millis(100 * u64::try_from(key % 3)?)).await;
    Ok(())
}

/// The most starts of [`take_a_token`], and of each key of [`take_a_token_of_a_key`], in a second of any position.
pub(crate) const MOST_IN_A_SECOND: i64 = 100;

/// Records its runs, the starts of which have a rate.
#[job(
    queue = "faults",
    retries = 100,
    backoff = fixed("20ms"),
    timeout = "10s",
    rate(limit = 100, per = "1s", burst = 6)
)]
pub(crate) async fn take_a_token(
    context: &JobContext,
    pool: &PgPool,
    number: i64,
) -> Result<(), BoxDynError> {
    write_run(context, pool, number).await?;
    Ok(())
}

/// As [`take_a_token`], with a rate for each key.
#[job(
    queue = "faults",
    retries = 100,
    backoff = fixed("20ms"),
    timeout = "10s",
    rate(limit = 100, per = "1s", burst = 6, key = "{key}")
)]
pub(crate) async fn take_a_token_of_a_key(
    context: &JobContext,
    pool: &PgPool,
    key: i32,
    number: i64,
) -> Result<(), BoxDynError> {
    let _ = key;
    write_run(context, pool, number).await?;
    Ok(())
}

/// The number of sessions that hold the advisory lock of this class ($1) and key ($2).
const LOCKS: &str = "select count(*) from pg_locks
    where locktype = 'advisory' and granted and classid::bigint = $1 and objid::bigint = $2 and database = (
        select oid from pg_database where datname = current_database()
    )";

/// Records how many runs hold this advisory lock, this one included, and returns the transaction that holds it. A lock
/// ends with the session of a process that dies.
async fn count_at_once(
    pool: &PgPool,
    (class, key): (i32, i32),
    number: i64,
) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut tx = pool.begin().await?;
    sqlx::query("select pg_advisory_xact_lock_shared($1, $2)")
        .bind(class)
        .bind(key)
        .execute(&mut *tx)
        .await?;
    let record = format!("insert into ledger.at_once (number, runs) select $3, ({LOCKS})");
    sqlx::query(AssertSqlSafe(record))
        .bind(i64::from(class))
        .bind(i64::from(key))
        .bind(number)
        .execute(&mut *tx)
        .await?;
    Ok(tx)
}

#[expect(clippy::disallowed_methods, reason = "how wrong the clock of this process is")]
async fn write_run(context: &JobContext, pool: &PgPool, number: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into ledger.runs (job_id, number, attempt, pid, clock) values ($1, $2, $3, $4, $5)",
    )
    .bind(context.job_id())
    .bind(number)
    .bind(context.attempt())
    .bind(i32::try_from(process::id()).expect("an id of a process is small"))
    .bind(chrono::Utc::now())
    .execute(pool)
    .await?;
    Ok(())
}
