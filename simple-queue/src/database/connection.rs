//! A role's own connection.

use std::{sync::Arc, time::Duration};

use sqlx::{Connection, PgConnection};
use tokio::{runtime::Handle, sync::OwnedSemaphorePermit};

use super::{
    Servers,
    exchange::all,
    failure::{FailedStatement, described},
    session::{
        Limits, Purpose, answer_in_time, begin, hear_out, in_transaction, keep_memory, within,
    },
};
use crate::telemetry;

/// A connection that one role uses alone, outside the pool of the user's code: handlers that hold every connection of
/// the pool never delay a heartbeat.
///
/// It is opened at first use. It is closed after any error of a statement, after a late answer, and when the database
/// has moved; the next call opens a new one. So no old socket is used again after a restart of the server or a
/// failover.
#[derive(Debug)]
pub(crate) struct Dedicated {
    servers: Servers,
    statement_timeout: Duration,
    purpose: Purpose,
    connection: Option<Open>,
    place: Option<Place>,
}

/// A permit for one of a bounded number of connections. It is held until an exchange on the connection is drained.
pub(crate) type Place = Arc<OwnedSemaphorePermit>;

#[derive(Debug)]
struct Open {
    connection: PgConnection,
    /// Number of moves of the database when the connection was opened.
    moves: u64,
}

/// A connection during an exchange. If it is dropped then, a task drains the exchange and closes the connection.
struct Asked {
    open: Option<Open>,
    statement_timeout: Duration,
    place: Option<Place>,
}

impl Dedicated {
    /// 15 min: timeout of maintenance statements. They may scan a whole table, and no caller waits for them.
    pub(crate) const UPKEEP_TIMEOUT: Duration = Duration::from_mins(15);

    pub(crate) fn new(servers: &Servers) -> Self {
        let statement_timeout = servers.statement_timeout();
        let purpose = Purpose::Usual;
        Self { servers: servers.clone(), statement_timeout, purpose, connection: None, place: None }
    }

    pub(crate) fn for_upkeep(servers: &Servers) -> Self {
        let statement_timeout = Self::UPKEEP_TIMEOUT;
        Self { statement_timeout, purpose: Purpose::Upkeep, ..Self::new(servers) }
    }

    /// A connection on which the server cancels statements after this timeout.
    pub(crate) fn with_timeout(servers: &Servers, statement_timeout: Duration) -> Self {
        Self { statement_timeout, ..Self::new(servers) }
    }

    pub(crate) fn for_calls(servers: &Servers) -> Self {
        Self { purpose: Purpose::Calls, ..Self::new(servers) }
    }

    pub(crate) fn for_batches(servers: &Servers) -> Self {
        Self { purpose: Purpose::Batches, ..Self::new(servers) }
    }

    /// Takes or releases a permit for one of a bounded number of connections.
    pub(crate) fn set_place(&mut self, place: Option<Place>) {
        self.place = place;
    }

    /// Runs one or a few statements, with a timeout: the server cancels a statement that takes too long, and the client
    /// stops waiting a little later.
    ///
    /// Behind a transaction pooler they run in one transaction.
    ///
    /// Cancel safe: after an exchange that failed, or was dropped before its end, the connection is closed.
    pub(crate) async fn ask<T, E: From<sqlx::Error> + FailedStatement>(
        &mut self,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.ask_for(1, exchange).await
    }

    /// Like [`Dedicated::ask`], with the time of this many statements.
    pub(crate) async fn ask_for<T, E: From<sqlx::Error> + FailedStatement>(
        &mut self,
        statements: usize,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let (pooled, limits) = (self.servers.pooled().clone(), Limits::of(self.statement_timeout));
        let exchange = async |connection: &mut PgConnection| {
            within(connection, pooled.get().then_some(limits), exchange).await
        };
        self.exchange(statements, exchange).await
    }

    /// Like [`Dedicated::ask`], for statements that rely on the locks of earlier ones: they run in one transaction on
    /// every session.
    pub(crate) async fn ask_in_transaction<T>(
        &mut self,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        let (pooled, limits) = (self.servers.pooled().clone(), Limits::of(self.statement_timeout));
        let exchange = async |connection: &mut PgConnection| {
            let begin = if pooled.get() { limits.begin() } else { begin() };
            in_transaction(connection, begin, exchange).await
        };
        self.exchange(1, exchange).await
    }

    /// Opens the connection, unless it is open.
    pub(crate) async fn connect(&mut self) -> sqlx::Result<()> {
        self.exchange(1, async |_| Ok(())).await
    }

    /// Closes the connection until the next exchange. For work that is rare: a session costs the server memory.
    pub(crate) async fn close(&mut self) {
        let Some(Open { connection, .. }) = self.connection.take() else { return };
        if let Err(error) = answer_in_time(self.statement_timeout, connection.close()).await {
            telemetry::database::connection_not_closed(&described(&error));
        }
    }

    /// Whether the connection is still open after the last exchange.
    pub(crate) fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    async fn exchange<T, E: From<sqlx::Error> + FailedStatement>(
        &mut self,
        statements: usize,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let moves = *self.servers.moves().borrow();
        let kept = self.connection.take().filter(|open| open.moves == moves);
        let (statement_timeout, place) = (self.statement_timeout, self.place.clone());
        let answer = answer_in_time(all(statements, statement_timeout), async {
            let open = match kept {
                Some(open) => open,
                None => self.open().await?,
            };
            let mut asked = Asked { open: Some(open), statement_timeout, place };
            let connection = &mut asked.open.as_mut().expect("it is taken below").connection;
            let answer = exchange(connection).await;
            let open = asked.open.take();
            if answer.as_ref().err().and_then(FailedStatement::failed_statement).is_none() {
                self.connection = open;
            }
            answer
        });
        answer.await.inspect_err(|error: &E| {
            if let Some(error) = error.failed_statement() {
                self.servers.note_error(error);
            }
        })
    }

    async fn open(&self) -> sqlx::Result<Open> {
        let mut connection = self.servers.open(self.statement_timeout, self.purpose).await?;
        if self.purpose == Purpose::Batches && !self.servers.pooled().get() {
            keep_memory(&mut connection).await?;
        }
        // Opening may itself have found that the database moved, so the number is read afterwards.
        Ok(Open { connection, moves: *self.servers.moves().borrow() })
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let (Some(open), Ok(runtime)) = (self.open.take(), Handle::try_current()) else { return };
        let (mut connection, place) = (open.connection, self.place.take());
        let statement_timeout = self.statement_timeout;
        runtime.spawn(async move {
            if hear_out(&mut connection, statement_timeout).await
                && let Err(error) = connection.close().await
            {
                telemetry::database::connection_not_closed(&described(&error));
            }
            drop(place);
        });
    }
}
