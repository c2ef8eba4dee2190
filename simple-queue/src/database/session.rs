//! Properties of a session: whether it is this process's own, whether it is writable, and its timeouts.

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

/// Whether a pooler such as pgbouncer lends sessions for one transaction at a time.
///
/// Then nothing may stay in a session: no setting, no lock, no prepared statement. A statement that is prepared under a
/// name might be executed in a session where that name means another statement, so statements are sent without names.
/// The driver sends a statement and its arguments separately, so both must be in one transaction.
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

/// 2 s: the client waits this much longer than the server's timeout. Then the server has certainly cancelled the
/// statement, even if the other end of the connection has vanished.
const MARGIN: Duration = Duration::from_secs(2);

/// Waits for an answer, a little longer than the server's timeout.
pub(super) async fn answer_in_time<T, E: From<sqlx::Error>>(
    statement_timeout: Duration,
    exchange: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let limit = statement_timeout.saturating_add(MARGIN);
    let late = |_| Err(sqlx::Error::from(NoAnswer { limit }).into());
    timeout(limit, exchange).await.unwrap_or_else(late)
}

/// Drains an exchange whose caller has gone, so that no statement keeps running at the server. Returns whether it
/// ended; the connection is then closed in either case.
///
/// The server's timeout bounds the time that this takes.
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

/// How long the server lets a statement run, and wait for another transaction's lock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    statement: Duration,
}

impl Limits {
    pub(super) const fn of(statement_timeout: Duration) -> Self {
        Self { statement: statement_timeout }
    }

    /// Shorter than the statement timeout, so that the error tells which of the two it was.
    pub(super) fn lock(self) -> Duration {
        self.statement * 4 / 5
    }

    /// How long a transaction may idle. At least 10 s: between two of its statements there are a round trip and the
    /// client's own delays, however short a statement is.
    fn idle(self) -> Duration {
        std::cmp::max(self.statement, Duration::from_secs(10))
    }

    /// Begins a transaction on a session that is not the library's own.
    ///
    /// Read committed, whatever the database's default: each statement sees what was committed before it. The search
    /// path has only schemas that the server's owner controls. Row security raises an error instead of hiding rows.
    /// With about 1,000 ids the planner prefers a sequential scan; if one is unavoidable, its estimated cost triggers
    /// JIT, which takes about a second. Both are turned off.
    pub(super) fn begin(self) -> AssertSqlSafe<String> {
        let (statement, lock) = (milliseconds(self.statement), milliseconds(self.lock()));
        let idle = milliseconds(self.idle());
        AssertSqlSafe(format!(
            "begin isolation level read committed; \
            set local search_path = pg_catalog, pg_temp; set local row_security = off; \
            set local enable_seqscan = off; set local jit = off; \
            set local statement_timeout = {statement}; set local lock_timeout = {lock}; \
            set local idle_in_transaction_session_timeout = {idle}"
        ))
    }
}

/// A duration in the server's form: at most 24 days, and never 0, which means no limit.
fn milliseconds(duration: Duration) -> u128 {
    duration.as_millis().clamp(1, i32::MAX.unsigned_abs().into())
}

/// Runs an exchange; in a transaction with these timeouts if the session is not the library's own.
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

/// Begins a transaction on a session of the library's own, in which the timeouts are already set.
pub(super) fn begin() -> AssertSqlSafe<String> {
    AssertSqlSafe("begin isolation level read committed".to_owned())
}

/// Runs an exchange in a transaction that begins with this statement.
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

/// The purpose of a session of the process's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A few rows at a time, each found by an index.
    Usual,
    /// Calls that a user's code waits for, and that may wait for a transaction of that code.
    Calls,
    /// Like `Usual`, with a thousand rows at a time.
    Batches,
    /// May scan a whole table.
    Upkeep,
    /// Changes the tables.
    Migrations,
}

/// How to connect so that a session of this process's own is recognizable: a pooler refuses to set its mark, or drops
/// it.
///
/// JIT is off: generic plans assume 100 elements per array, so a claim of a few rows looks expensive enough for half a
/// second of compiling. Plans are generic: a role sends the same few statements all the time, and their plans do not
/// depend on the values. A plan that is made while the tables are empty would prefer a sequential scan and keep it for
/// a minute while a million rows arrive; so sequential scans are off for all purposes but upkeep.
///
/// The search path has only schemas that the server's owner controls. Each statement sees what was committed before it,
/// whatever the database's default. Row security raises an error instead of hiding rows.
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
    let limits = Limits::of(statement_timeout);
    let (lock, idle) = (milliseconds(limits.lock()), milliseconds(limits.idle()));
    match purpose {
        Purpose::Calls => {
            own.options([("lock_timeout", lock), ("idle_in_transaction_session_timeout", idle)])
        }
        Purpose::Migrations => own.options(FOR_MIGRATIONS),
        Purpose::Usual | Purpose::Batches | Purpose::Upkeep => own,
    }
}

/// Settings that a role or a database may have set otherwise. A migration waits half a second for a lock, because
/// everything queued behind it waits as long. It has no statement timeout, and is rolled back when its client is silent
/// for a minute.
const FOR_MIGRATIONS: [(&str, &str); 4] = [
    ("statement_timeout", "0"),
    ("lock_timeout", "500ms"),
    ("idle_in_transaction_session_timeout", "1min"),
    ("default_transaction_deferrable", "off"),
];

/// What a session reveals about itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// The mark is set: no other client uses this session.
    pub(super) is_own: bool,
    pub(super) is_encrypted: bool,
}

/// Sent in one message, which a pooler cannot split.
pub(super) async fn read_session_mark(connection: &mut PgConnection) -> sqlx::Result<Mark> {
    let asked = sqlx::raw_sql(include_str!("sql/read_session_mark.sql"));
    let row = asked.fetch_one(connection).await?;
    Ok(Mark { is_own: row.try_get("is_own")?, is_encrypted: row.try_get("is_encrypted")? })
}

/// Makes the session's server process keep the memory that its statements need.
pub(super) async fn keep_memory(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql(include_str!("sql/keep_memory.sql")).execute(connection).await?;
    Ok(())
}

/// The first of these servers that is writable.
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

/// Whether a writable server answers.
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
