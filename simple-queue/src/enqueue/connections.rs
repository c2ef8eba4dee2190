//! Connections outside the pool for the calls of a queue.

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use sqlx::PgConnection;
use tokio::sync::Semaphore;

use crate::{
    database::{
        Dedicated, Servers,
        failure::{FailedStatement, described},
    },
    telemetry,
};

/// A bounded number of connections outside the pool. Most of the time one is open.
///
/// Their sessions have the limits and settings that would need a transaction on the pool, and two
/// more round trips. The pool also takes a connection back in a task of its own, which costs each
/// call a switch between threads. On these connections a statement is planned once, handlers that
/// use up the pool do not delay an enqueue, and no session has a transaction that other code left
/// open. If all of them are in use, the call goes to the pool.
#[derive(Debug)]
pub(crate) struct Connections {
    state: Mutex<State>,
    /// One permit for each connection in use, including one whose caller gave up and whose answer
    /// is still awaited.
    places: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct State {
    free: Vec<Free>,
    /// When the server last refused a connection.
    refused_at: Option<Instant>,
}

#[derive(Debug)]
struct Free {
    connection: Dedicated,
    since: Instant,
}

/// 1 min, the longest idle time of a connection: NATs and load balancers drop idle ones.
const LONGEST_IDLE: Duration = Duration::from_mins(1);

/// 1 s, during which calls use the pool after the server refused a connection.
const AFTER_REFUSAL: Duration = Duration::from_secs(1);

impl Connections {
    /// Creates a set with this upper bound of connections.
    pub(super) fn new(most: usize) -> Self {
        Self { state: Mutex::default(), places: Arc::new(Semaphore::new(most)) }
    }

    /// Runs an exchange of up to this number of statements on one of these connections, or on the
    /// pool if none is available.
    pub(crate) async fn ask<T, E: From<sqlx::Error> + FailedStatement>(
        &self,
        servers: &Servers,
        statements: usize,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let Some(mut connection) = self.take(servers).await else {
            return servers.ask(statements, exchange).await;
        };
        let answer = connection.ask_for(statements, exchange).await;
        self.give_back(connection);
        answer
    }

    /// Returns an open connection, or `None` if the pool is to be used. The pool can wait for a
    /// server that is away, and may have a connection when the server gives no more.
    async fn take(&self, servers: &Servers) -> Option<Dedicated> {
        if servers.pool().is_closed() {
            self.state().free.clear();
            return None;
        }
        let place = Arc::new(Arc::clone(&self.places).try_acquire_owned().ok()?);
        {
            let mut state = self.state();
            if let Some(Free { mut connection, since }) = state.free.pop() {
                if since.elapsed() < LONGEST_IDLE {
                    connection.set_place(Some(place));
                    return Some(connection);
                }
                // The other connections have been idle for longer.
                drop(mem::take(&mut state.free));
            }
            if state.refused_at.is_some_and(|at| at.elapsed() < AFTER_REFUSAL) {
                return None;
            }
        }
        let mut connection = Dedicated::for_calls(servers);
        connection.set_place(Some(place));
        match connection.connect().await {
            Ok(()) => Some(connection),
            Err(error) => {
                telemetry::enqueue::connection_refused(&described(&error));
                self.state().refused_at = Some(Instant::now());
                None
            }
        }
    }

    /// Keeps a connection for the next call, unless an error closed it.
    fn give_back(&self, mut connection: Dedicated) {
        if connection.is_open() {
            let mut state = self.state();
            connection.set_place(None);
            state.free.push(Free { connection, since: Instant::now() });
        } else {
            // Other idle connections may lead to the same server, so they are closed too.
            self.state().free.clear();
        }
    }

    /// Closes the connections that no call uses.
    #[cfg(feature = "testing")]
    pub(super) fn close_idle(&self) {
        self.state().free.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}
