//! A connection of a role's own.

use std::{io, time::Duration};

use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};

/// A connection that one role keeps to itself, outside the pool that the user's code uses: handlers
/// that hold every connection of the pool never hold up a heartbeat.
///
/// It is opened when it is first needed and closed after any error, or when an answer is late, so
/// that the next call begins on a new one: after a restart of the server, or a failover, no old
/// socket is used twice.
#[derive(Debug)]
pub(crate) struct Dedicated {
    options: PgConnectOptions,
    statement_timeout: Duration,
    connection: Option<PgConnection>,
}

impl Dedicated {
    /// No statement of a role takes this long while the database is well. The server ends one that
    /// does, and the client stops waiting a little later: then it is certain that the statement is
    /// no longer under way, even where the other end of the connection has vanished.
    pub(crate) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

    /// For upkeep, which may have to read a whole table, and whom nobody waits for.
    pub(crate) const UPKEEP_TIMEOUT: Duration = Duration::from_mins(15);

    /// How much longer than the server the client waits.
    const MARGIN: Duration = Duration::from_secs(2);

    pub(crate) fn new(options: &PgConnectOptions) -> Self {
        let statement_timeout = Self::STATEMENT_TIMEOUT;
        Self { options: options.clone(), statement_timeout, connection: None }
    }

    pub(crate) fn for_upkeep(options: &PgConnectOptions) -> Self {
        let statement_timeout = Self::UPKEEP_TIMEOUT;
        Self { statement_timeout, ..Self::new(options) }
    }

    /// Exchanges statements and answers with the database, but does not wait for ever.
    ///
    /// Cancel safe: an exchange that was not heard to its end, or that failed, leaves no connection
    /// behind.
    pub(crate) async fn ask<T>(
        &mut self,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        let limit = self.statement_timeout + Self::MARGIN;
        let answered = async {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => self.open().await?,
            };
            let answer = exchange(&mut connection).await?;
            self.connection = Some(connection);
            Ok(answer)
        };
        match tokio::time::timeout(limit, answered).await {
            Ok(answer) => answer,
            Err(_) => Err(sqlx::Error::Io(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("no answer within {limit:?}"),
            ))),
        }
    }

    async fn open(&self) -> sqlx::Result<PgConnection> {
        let mut connection = self.options.connect().await?;
        sqlx::query(include_str!("sql/set_statement_timeout.sql"))
            .bind(format!("{}ms", self.statement_timeout.as_millis()))
            .execute(&mut connection)
            .await?;
        Ok(connection)
    }
}
