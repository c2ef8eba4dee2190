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

/// A [`Dedicated`] connection in use. Unless it is given back, it is closed.
#[derive(Debug)]
pub(crate) struct Lent<'d> {
    home: &'d mut Option<PgConnection>,
    connection: PgConnection,
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
        Self {
            options: options.clone(),
            statement_timeout,
            connection: None,
        }
    }

    pub(crate) fn for_upkeep(options: &PgConnectOptions) -> Self {
        let statement_timeout = Self::UPKEEP_TIMEOUT;
        Self {
            statement_timeout,
            ..Self::new(options)
        }
    }

    /// Lends the connection, opening one where there is none.
    pub(crate) async fn lend(&mut self) -> sqlx::Result<Lent<'_>> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.open().await?,
        };
        Ok(Lent {
            home: &mut self.connection,
            connection,
        })
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

impl Lent<'_> {
    /// Keeps the connection for the next call: the last exchange on it was heard to its end.
    pub(crate) fn give_back(self) {
        *self.home = Some(self.connection);
    }
}

impl std::ops::Deref for Lent<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl std::ops::DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

/// Waits for an exchange with the database, but not for ever.
pub(crate) async fn answered<T>(
    exchange: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    answered_within(Dedicated::STATEMENT_TIMEOUT, exchange).await
}

/// As [`answered`], for an exchange of which each statement may take as long as this.
pub(crate) async fn answered_within<T>(
    statement_timeout: Duration,
    exchange: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    let limit = statement_timeout + Dedicated::MARGIN;
    match tokio::time::timeout(limit, exchange).await {
        Ok(answer) => answer,
        Err(_) => Err(sqlx::Error::Io(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer within {limit:?}"),
        ))),
    }
}
