//! A connection of a role's own.

use std::time::Duration;

use sqlx::PgConnection;

use super::{
    Servers,
    session::{Purpose, answer_in_time, keep_memory, within},
};
use crate::error::FailedStatement;

/// A connection that one role keeps to itself, outside the pool that the user's code uses: handlers
/// that hold every connection of the pool never hold up a heartbeat.
///
/// It is opened when it is first needed and closed after any error, or when an answer is late, and when the
/// database has moved, so that the next call begins on a new one: after a restart of the server, or a
/// failover, no old socket is used twice.
#[derive(Debug)]
pub(crate) struct Dedicated {
    servers: Servers,
    statement_timeout: Duration,
    purpose: Purpose,
    connection: Option<Open>,
}

#[derive(Debug)]
struct Open {
    connection: PgConnection,
    /// How often the database had moved when it was opened.
    moves: u64,
}

impl Dedicated {
    /// For upkeep, which may have to read a whole table, and whom nobody waits for.
    pub(crate) const UPKEEP_TIMEOUT: Duration = Duration::from_mins(15);

    pub(crate) fn new(servers: &Servers) -> Self {
        let statement_timeout = servers.statement_timeout();
        let purpose = Purpose::Usual;
        Self { servers: servers.clone(), statement_timeout, purpose, connection: None }
    }

    pub(crate) fn for_upkeep(servers: &Servers) -> Self {
        let statement_timeout = Self::UPKEEP_TIMEOUT;
        Self { statement_timeout, purpose: Purpose::Upkeep, ..Self::new(servers) }
    }

    /// For statements that the server ends after so long.
    pub(crate) fn with_timeout(servers: &Servers, statement_timeout: Duration) -> Self {
        Self { statement_timeout, ..Self::new(servers) }
    }

    pub(crate) fn for_batches(servers: &Servers) -> Self {
        Self { purpose: Purpose::Batches, ..Self::new(servers) }
    }

    /// Exchanges statements and answers with the database, but does not wait for ever: the server ends a
    /// statement that takes too long, and the client stops waiting a little later.
    ///
    /// Where a pooler only lends sessions the exchange is one transaction, and only the client's limit
    /// holds.
    ///
    /// Cancel safe: an exchange that was not heard to its end, or that failed, leaves no connection
    /// behind.
    pub(crate) async fn ask<T, E: From<sqlx::Error> + FailedStatement>(
        &mut self,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let pooled = self.servers.pooled().clone();
        self.exchange(async |connection| within(connection, pooled.get(), exchange).await).await
    }

    /// As [`Dedicated::ask`], for an exchange that begins its transactions itself, or that cannot be in
    /// one.
    pub(crate) async fn ask_outside_transaction<T>(
        &mut self,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        self.exchange(exchange).await
    }

    /// Opens the connection, unless it is open.
    pub(crate) async fn connect(&mut self) -> sqlx::Result<()> {
        self.exchange(async |_| Ok(())).await
    }

    /// Whether the last exchange left it open.
    pub(crate) fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    async fn exchange<T, E: From<sqlx::Error> + FailedStatement>(
        &mut self,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let moves = *self.servers.moves().borrow();
        let kept = self.connection.take().filter(|open| open.moves == moves);
        let answer = answer_in_time(self.statement_timeout, async {
            let mut open = match kept {
                Some(open) => open,
                None => self.open().await?,
            };
            let answer = exchange(&mut open.connection).await?;
            self.connection = Some(open);
            Ok(answer)
        });
        answer.await.inspect_err(|error: &E| {
            if let Some(error) = error.failed_statement() {
                self.servers.heed(error);
            }
        })
    }

    async fn open(&self) -> sqlx::Result<Open> {
        let mut connection = self.servers.open(self.statement_timeout, self.purpose).await?;
        if self.purpose == Purpose::Batches && !self.servers.pooled().get() {
            keep_memory(&mut connection).await?;
        }
        // Finding the server may have been what moved it.
        Ok(Open { connection, moves: *self.servers.moves().borrow() })
    }
}
