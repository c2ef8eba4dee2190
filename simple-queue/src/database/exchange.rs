//! Statements on connections of the pool.

use std::time::{Duration, Instant};

use sqlx::{PgConnection, Postgres, Transaction, pool::PoolConnection};
use tokio::{runtime::Handle, time::timeout};

use super::{
    Servers,
    failure::{FailedStatement, Trouble, casts_doubt, described, is_ambiguous},
    servers::{Unreachable, place},
    session::{Limits, Purpose, answer_in_time, hear_out, within},
};
use crate::{retry_pause::Pauses, telemetry};

/// 1 s: a wait for a pool connection that takes this long may mean that the server is gone.
const ACQUIRE: Duration = Duration::from_secs(1);

/// The mark ends with the transaction, however that ends.
const BEGIN_FOR_A_JOB: &str = "begin; set local simple_queue_job.transaction = 'on'";

impl Servers {
    /// Runs this many statements in a transaction on a connection of the pool. The pool may be the user's, so no
    /// setting outlives the transaction.
    ///
    /// The server cancels a statement that takes too long, or that waits too long for another transaction.
    pub(crate) async fn ask<T, E: From<sqlx::Error> + FailedStatement>(
        &self,
        statements: usize,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.ask_within(self.statement_timeout(), statements, exchange).await
    }

    /// Like [`Servers::ask`], with another limit for each statement.
    pub(crate) async fn ask_within<T, E: From<sqlx::Error> + FailedStatement>(
        &self,
        statement_timeout: Duration,
        statements: usize,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut lent = OnLoan { connection: Some(self.acquire().await?), statement_timeout };
        let connection = lent.connection.as_mut().expect("it is given back below");
        let limits = Some(Limits::of(statement_timeout));
        let answer = answer_in_time(all(statements, statement_timeout), async {
            within(connection, limits, exchange).await
        });
        let answer = answer.await;
        let mut connection = lent.connection.take().expect("only this method takes it");
        if let Err(error) = &answer
            && let Some(error) = error.failed_statement()
            && casts_doubt(error)
        {
            self.note_error(error);
            // The server may be gone or no longer the primary, and so may the servers of idle connections.
            connection.close_on_drop();
            self.close_idle();
        }
        drop(connection);
        answer
    }

    /// A connection of the pool to the writable server.
    ///
    /// The pool tests a connection before it hands it out, and waits for the answer as long as for a free connection.
    /// If the wait is too long while the pool is not exhausted, the server is probably gone, and idle connections are
    /// closed too.
    pub(crate) async fn acquire(&self) -> sqlx::Result<PoolConnection<Postgres>> {
        let pool = &self.inner.pool;
        let limit = pool.options().get_acquire_timeout();
        let begun = Instant::now();
        while begun.elapsed() < limit {
            self.writable().await;
            let (moves, tried) = (*self.inner.moves.borrow(), Instant::now());
            let mut acquired = std::pin::pin!(pool.acquire());
            loop {
                if let Ok(acquired) = timeout(ACQUIRE, &mut acquired).await {
                    return acquired.inspect_err(|error| self.note_error(error));
                }
                self.doubt();
                self.writable().await;
                if *self.inner.moves.borrow() != moves {
                    break;
                }
                let used_up = pool.size() >= pool.options().get_max_connections();
                if tried.elapsed() >= self.statement_timeout() && (!used_up || pool.num_idle() > 0)
                {
                    self.close_idle();
                    break;
                }
            }
        }
        Err(sqlx::Error::PoolTimedOut)
    }

    /// Begins a transaction for a job on a connection of the pool, with the mark by which
    /// [`limit_idle_transaction`](super::Store::limit_idle_transaction) recognizes it.
    ///
    /// Cancel safe, unlike the driver's own `begin`: if that is dropped at the wrong moment, a session with an open
    /// transaction returns to the pool, and the writes of its next users, their commits included, are rolled back when
    /// it is closed. <https://github.com/launchbadge/sqlx/issues/4385>
    pub(crate) async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        if !self.settings().candidates.is_empty() {
            drop(self.acquire().await?);
        }
        let pool = self.inner.pool.clone();
        let begun = tokio::spawn(async move { pool.begin_with(BEGIN_FOR_A_JOB).await });
        begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    /// Finds out at once whether a server accepts connections, and why not.
    pub(crate) async fn reach(&self) -> Result<(), Unreachable> {
        let limit = self.statement_timeout();
        let current = answer_in_time(limit, self.open(limit, Purpose::Usual)).await;
        let error = match current {
            Ok(connection) => {
                drop(connection);
                return Ok(());
            }
            Err(error) => error,
        };
        let mut tried = vec![(place(&self.pool().connect_options()), error)];
        let before = place(&self.pool().connect_options());
        for server in self.settings().candidates.iter().filter(|server| place(server) != before) {
            match answer_in_time(limit, sqlx::ConnectOptions::connect(server)).await {
                Ok(connection) => {
                    drop(connection);
                    return Ok(());
                }
                Err(error) => tried.push((place(server), error)),
            }
        }
        Err(Unreachable { tried })
    }
}

/// The time that this many statements may take.
pub(super) fn all(statements: usize, statement_timeout: Duration) -> Duration {
    statement_timeout.saturating_mul(u32::try_from(statements).unwrap_or(u32::MAX))
}

/// A connection of the pool. It returns there only when its state is known.
///
/// If the caller's future is dropped earlier, perhaps during a statement or a `begin`, a task drains the exchange and
/// closes the connection. Until then it counts as one of the pool's. Otherwise callers that give up while a key is held
/// would each leave a session behind that waits for it.
struct OnLoan {
    connection: Option<PoolConnection<Postgres>>,
    statement_timeout: Duration,
}

impl Drop for OnLoan {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        // Also if the task is dropped with its runtime.
        connection.close_on_drop();
        if let Ok(runtime) = Handle::try_current() {
            let statement_timeout = self.statement_timeout;
            runtime.spawn(async move {
                hear_out(&mut connection, statement_timeout).await;
            });
        }
    }
}

/// Decides which tries of a call follow another.
///
/// A transient failure is retried at most six times, with growing pauses of about three seconds in all: enough for a
/// server to restart, not too long for a request to wait. A statement that the server cancelled at a timeout is not
/// retried. If the client's own timeout passed without an answer, the call is retried once, on another connection.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    repeats: u32,
    was_silent: bool,
    may_be_done: bool,
    /// No try begins later.
    until: Option<Instant>,
}

impl Tries {
    const MOST: u32 = 6;
    const PAUSES: Pauses =
        Pauses { first: Duration::from_millis(50), longest: Duration::from_secs(2), jitter: 0.5 };

    /// Tries that end earlier, if a time is given.
    pub(crate) fn until(until: Option<Instant>) -> Self {
        Self { until, ..Self::default() }
    }

    /// Whether an earlier try may have been carried out.
    pub(crate) const fn may_be_done(&self) -> bool {
        self.may_be_done
    }

    /// The pause before the next try; `None` if this answer is final.
    pub(crate) fn wait_after<T, E: FailedStatement>(
        &mut self,
        answer: &Result<T, E>,
    ) -> Option<Duration> {
        let error = answer.as_ref().err()?.failed_statement()?;
        let may_pass = match Trouble::of(error) {
            Trouble::Conflict | Trouble::Lost => true,
            Trouble::Silent => !std::mem::replace(&mut self.was_silent, true),
            // An exhausted pool has been waited for already.
            Trouble::Unavailable => error.as_database_error().is_some(),
            Trouble::Refused | Trouble::Unreadable | Trouble::Late => false,
        };
        if !may_pass || self.repeats == Self::MOST {
            return None;
        }
        self.may_be_done |= is_ambiguous(error);
        let wait = Self::PAUSES.after(self.repeats);
        if self.until.is_some_and(|until| Instant::now() + wait >= until) {
            return None;
        }
        self.repeats += 1;
        telemetry::database::call_retried(&described(error), wait);
        Some(wait)
    }
}

/// Sends a call, and retries it as [`Tries`] decides. A macro, because the compiler does not find the future of an
/// async closure `Send` that is called more than once.
macro_rules! again {
    ($tries:ident => $asked:expr) => {
        $crate::database::again!($tries = $crate::database::Tries::default() => $asked)
    };
    ($tries:ident = $first:expr => $asked:expr) => {{
        let mut $tries = $first;
        loop {
            let answer = $asked.await;
            match $tries.wait_after(&answer) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => break answer,
            }
        }
    }};
}
pub(crate) use again;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::failure::NoAnswer;

    #[test]
    fn a_call_is_sent_again_a_bounded_number_of_times_and_after_silence_once() {
        let broken = || sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        let mut tries = Tries::default();
        assert!(!tries.may_be_done());
        let waits: Vec<_> =
            std::iter::from_fn(|| tries.wait_after::<(), _>(&Err(broken()))).collect();
        assert_eq!(waits.len(), 6);
        assert!(tries.may_be_done());
        assert!(waits.iter().sum::<Duration>() < Duration::from_secs(5), "{waits:?}");

        let mut tries = Tries::default();
        let silent = || Err::<(), _>(sqlx::Error::from(NoAnswer { limit: Duration::ZERO }));
        assert!(tries.wait_after(&silent()).is_some() && tries.wait_after(&silent()).is_none());
        let mut short = Tries::until(Some(Instant::now() + Duration::from_millis(200)));
        assert!(short.wait_after::<(), _>(&Err(broken())).is_some());
        let mut over = Tries::until(Some(Instant::now()));
        assert!(over.wait_after::<(), _>(&Err(broken())).is_none());
        for error in [sqlx::Error::PoolTimedOut, sqlx::Error::RowNotFound] {
            assert!(Tries::default().wait_after::<(), _>(&Err(error)).is_none());
        }
    }
}
