//! What can be expected of a connection: whether it is a session of its own, writable, and in time.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

/// Whether sessions are only lent, for a transaction at a time, by a pooler such as pgbouncer.
///
/// Then nothing may be left in a session: no setting, no lock, no prepared statement. What is prepared under
/// a name may be executed in a session where that name means another statement, so every statement is sent
/// without one; and as the driver sends a statement and its arguments apart, both have to be in one
/// transaction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pooled(Arc<AtomicBool>);

impl Pooled {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Returns whether it was known already.
    pub(super) fn set(&self) -> bool {
        self.0.swap(true, Ordering::AcqRel)
    }
}

/// How much longer than the server the client waits for the end of a statement: then it is certain that the
/// server has ended it, even where the other end of the connection has vanished.
const MARGIN: Duration = Duration::from_secs(2);

/// Waits for an answer, a little longer than the server may take.
pub(super) async fn answer_in_time<T, E: From<sqlx::Error>>(
    statement_timeout: Duration,
    exchange: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let limit = statement_timeout + MARGIN;
    timeout(limit, exchange).await.unwrap_or_else(|_| {
        let late = io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {limit:?}"));
        Err(sqlx::Error::Io(late).into())
    })
}

/// Whatever the database's default is, each statement is to see what was committed before it. For a thousand ids
/// the planner would rather read a whole table; and where it has to after all, that counts as so dear that the
/// statement would be compiled first, for a second.
const BEGIN: &str = "begin isolation level read committed; \
    set local enable_seqscan = off; set local jit = off; \
    set local search_path = pg_catalog, pg_temp";

/// Carries out an exchange, in a transaction where sessions are only lent.
pub(super) async fn within<T, E: From<sqlx::Error>>(
    connection: &mut PgConnection,
    pooled: bool,
    exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    if !pooled {
        return exchange(connection).await;
    }
    let mut tx = connection.begin_with(BEGIN).await?;
    let answer = exchange(&mut tx).await?;
    tx.commit().await?;
    Ok(answer)
}

/// What a session of the process's own is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A few rows at a time, each found by an index.
    Usual,
    /// As the usual, of a thousand rows at a time.
    Batches,
    /// May have to read a whole table.
    Upkeep,
    /// Changes the tables.
    Migrations,
}

/// How to connect so that a session that is this process's own can be told: a pooler refuses to set its
/// mark, or drops it.
///
/// Statements are not compiled there: the planner takes each array for one of a hundred values, and so the
/// claim of a few rows for one that is worth half a second of compiling. And each is planned once: a role
/// sends the same few all the time, and their plans do not depend on the values. That may be when the tables
/// are empty and reading all of one seems cheapest, and then be so for a minute with a million rows in it;
/// so only upkeep reads a table whole where it has an index.
///
/// Names are looked for in no schema in which others could have put theirs.
pub(super) fn own_session(options: &PgConnectOptions, purpose: Purpose) -> PgConnectOptions {
    let reads_whole_tables = if purpose == Purpose::Upkeep { "on" } else { "off" };
    let options = match purpose {
        Purpose::Migrations => options.clone().options(FOR_MIGRATIONS),
        _ => options.clone(),
    };
    options.options([
        ("simple_queue.session", "own"),
        ("search_path", "pg_catalog,pg_temp"),
        ("jit", "off"),
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", reads_whole_tables),
    ])
}

/// What a role or a database may have set otherwise. A migration waits half a second for a lock, because whatever
/// comes behind it waits as long; it takes the time it needs, and is rolled back when its client says nothing for a
/// minute.
const FOR_MIGRATIONS: [(&str, &str); 5] = [
    ("lock_timeout", "500ms"),
    ("idle_in_transaction_session_timeout", "1min"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_deferrable", "off"),
    ("row_security", "off"),
];

/// Whether the mark is there. Asked in one message, which a pooler cannot part.
pub(super) async fn is_own_session(connection: &mut PgConnection) -> sqlx::Result<bool> {
    let asked = sqlx::raw_sql(include_str!("sql/read_session_mark.sql"));
    sqlx::Row::try_get(&asked.fetch_one(connection).await?, 0)
}

/// Has the session keep the memory that its statements need.
pub(super) async fn keep_memory(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql(include_str!("sql/keep_memory.sql")).execute(connection).await?;
    Ok(())
}

/// The first of these servers that says it is writable.
pub(super) async fn first_writable(
    candidates: &[PgConnectOptions],
    patience: Duration,
) -> Option<PgConnectOptions> {
    let mut asked: FuturesUnordered<_> = candidates
        .iter()
        .map(async |options| is_writable(options, patience).await.then(|| options.clone()))
        .collect();
    while let Some(found) = asked.next().await {
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Whether there is a server that says that it is writable.
pub(super) async fn is_writable(options: &PgConnectOptions, patience: Duration) -> bool {
    let asked = async {
        let mut connection = options.connect().await?;
        let asked = sqlx::raw_sql(include_str!("sql/read_writable.sql"));
        let is_writable = sqlx::Row::try_get(&asked.fetch_one(&mut connection).await?, 0)?;
        connection.close().await?;
        Ok::<bool, sqlx::Error>(is_writable)
    };
    match timeout(patience, asked).await {
        Ok(Ok(is_writable)) => is_writable,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a server could not be asked whether it is writable");
            false
        }
        Err(_) => false,
    }
}
