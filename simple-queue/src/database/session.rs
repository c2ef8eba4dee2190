//! What can be expected of a connection: whether it is a session of its own, writable, and in time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, postgres::PgConnectOptions,
};
use tokio::time::timeout;

use super::failure::{NoAnswer, described};
use crate::telemetry;

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
    let limit = statement_timeout.saturating_add(MARGIN);
    let late = |_| Err(sqlx::Error::from(NoAnswer { limit }).into());
    timeout(limit, exchange).await.unwrap_or_else(late)
}

/// Hears the rest of an exchange that nobody waits for any more, so that no statement is left at the server.
/// Whether it was heard: the connection has no further use.
///
/// The server ends what takes too long, so this takes no longer than a statement may.
pub(super) async fn hear_out(connection: &mut PgConnection, statement_timeout: Duration) -> bool {
    match timeout(statement_timeout.saturating_add(MARGIN), connection.ping()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            telemetry::database::abandoned_connection_ended(&described(&error));
            false
        }
        Err(_) => false,
    }
}

/// How long the server lets a statement take, and wait for another's lock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    statement: Duration,
}

impl Limits {
    pub(super) const fn of(statement_timeout: Duration) -> Self {
        Self { statement: statement_timeout }
    }

    /// Less than the statement may take, so that the error says which of the two it was.
    pub(super) fn lock(self) -> Duration {
        self.statement * 4 / 5
    }

    /// Begins a transaction on a session that is not the library's own.
    ///
    /// Whatever the database's default is, each statement is to see what was committed before it, and names are
    /// looked up where only the server's owner makes them. Policies that hide rows make a statement fail, rather
    /// than find nothing. For a thousand ids the planner would rather read a whole table; and where it has to after
    /// all, that counts as so dear that the statement would be compiled first, for a second.
    pub(super) fn begin(self) -> AssertSqlSafe<String> {
        /// 10 s: between two statements of a transaction lie a round trip and the client's own delays.
        const SHORTEST_IDLE: Duration = Duration::from_secs(10);
        let (statement, lock) = (milliseconds(self.statement), milliseconds(self.lock()));
        let idle = milliseconds(std::cmp::max(self.statement, SHORTEST_IDLE));
        AssertSqlSafe(format!(
            "begin isolation level read committed; \
            set local search_path = pg_catalog, pg_temp; set local row_security = off; \
            set local enable_seqscan = off; set local jit = off; \
            set local statement_timeout = {statement}; set local lock_timeout = {lock}; \
            set local idle_in_transaction_session_timeout = {idle}"
        ))
    }
}

/// As the server takes a duration: at most 24 days, and not the zero that means no limit.
fn milliseconds(duration: Duration) -> u128 {
    duration.as_millis().clamp(1, i32::MAX.unsigned_abs().into())
}

/// Carries out an exchange, in a transaction with these limits where the session is not the library's own.
pub(super) async fn within<T, E: From<sqlx::Error>>(
    connection: &mut PgConnection,
    lent: Option<Limits>,
    exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    match lent {
        Some(limits) => in_transaction(connection, limits.begin(), exchange).await,
        None => exchange(connection).await,
    }
}

/// Begins a transaction on a session of the library's own, in which the limits are set already.
pub(super) fn begin() -> AssertSqlSafe<String> {
    AssertSqlSafe("begin isolation level read committed".to_owned())
}

/// Carries out an exchange in a transaction that begins like this.
pub(super) async fn in_transaction<T, E: From<sqlx::Error>>(
    connection: &mut PgConnection,
    begin: AssertSqlSafe<String>,
    exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    let mut tx = connection.begin_with(begin).await?;
    let answer = exchange(&mut tx).await?;
    tx.commit().await?;
    Ok(answer)
}

/// What a session of the process's own is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A few rows at a time, each found by an index.
    Usual,
    /// What a caller waits for, and what may itself wait for a transaction of the caller's.
    Calls,
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
/// Names are looked up where only the server's owner makes them, each statement sees what was committed before
/// it whatever the database's default is, and policies that hide rows make a statement fail, rather than find
/// nothing.
pub(super) fn own_session(
    options: &PgConnectOptions,
    statement_timeout: Duration,
    purpose: Purpose,
) -> PgConnectOptions {
    let reads_whole_tables = if purpose == Purpose::Upkeep { "on" } else { "off" };
    let own = options.clone().options([
        ("simple_queue.session", "own"),
        ("jit", "off"),
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", reads_whole_tables),
        ("search_path", "pg_catalog, pg_temp"),
        ("default_transaction_isolation", "read committed"),
        ("row_security", "off"),
    ]);
    let statement = milliseconds(statement_timeout);
    let own = own.options([("statement_timeout", statement)]);
    let lock = milliseconds(Limits::of(statement_timeout).lock());
    match purpose {
        Purpose::Calls => own
            .options([("lock_timeout", lock), ("idle_in_transaction_session_timeout", statement)]),
        Purpose::Migrations => own.options(FOR_MIGRATIONS),
        Purpose::Usual | Purpose::Batches | Purpose::Upkeep => own,
    }
}

/// What a role or a database may have set otherwise. A migration waits half a second for a lock, because whatever
/// comes behind it waits as long; it takes the time it needs, and is rolled back when its client says nothing for a
/// minute.
const FOR_MIGRATIONS: [(&str, &str); 4] = [
    ("statement_timeout", "0"),
    ("lock_timeout", "500ms"),
    ("idle_in_transaction_session_timeout", "1min"),
    ("default_transaction_deferrable", "off"),
];

/// What a session says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// The mark is there: nobody else uses this session.
    pub(super) is_own: bool,
    pub(super) is_encrypted: bool,
}

/// Asked in one message, which a pooler cannot part.
pub(super) async fn read_session_mark(connection: &mut PgConnection) -> sqlx::Result<Mark> {
    let asked = sqlx::raw_sql(include_str!("sql/read_session_mark.sql"));
    let row = asked.fetch_one(connection).await?;
    Ok(Mark { is_own: row.try_get("is_own")?, is_encrypted: row.try_get("is_encrypted")? })
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
        let is_writable = asked.fetch_one(&mut connection).await?.try_get(0)?;
        connection.close().await?;
        Ok::<bool, sqlx::Error>(is_writable)
    };
    match timeout(patience, asked).await {
        Ok(Ok(is_writable)) => is_writable,
        Ok(Err(error)) => {
            telemetry::database::server_not_asked(&described(&error));
            false
        }
        Err(_) => false,
    }
}
