//! The connections that calls keep to themselves.

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use sqlx::PgConnection;
use tokio::sync::Semaphore;

use crate::database::{
    Dedicated, Servers,
    failure::{FailedStatement, described},
};

/// A bounded number of connections outside the pool; most of the time one of them is open.
///
/// Their sessions have the limits and settings that on the pool take a transaction, and two more round trips.
/// Also the pool takes a connection back in a task of its own, and that is a switch between threads for each
/// call. Here the statement is planned once; handlers that use up the pool hold up no enqueue; and no
/// session is met in which somebody left a transaction open. What finds all of them in use goes to the pool.
#[derive(Debug)]
pub(crate) struct Connections {
    state: Mutex<State>,
    /// One for each that is in use, also by a call that was given up and is heard out.
    places: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct State {
    free: Vec<Free>,
    /// When the server last gave none.
    refused_at: Option<Instant>,
}

#[derive(Debug)]
struct Free {
    connection: Dedicated,
    since: Instant,
}

/// What lies between this process and the server may forget a connection on which nothing is said.
const LONGEST_IDLE: Duration = Duration::from_mins(1);

/// How long the pool has to do after the server gave no connection beside it.
const AFTER_REFUSAL: Duration = Duration::from_secs(1);

impl Connections {
    /// At most so many.
    pub(super) fn new(most: usize) -> Self {
        Self { state: Mutex::default(), places: Arc::new(Semaphore::new(most)) }
    }

    /// Exchanges so many statements and answers on one of these, or on the pool where none can be had.
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

    /// A connection that is open; `None` where the pool is to be used: it knows how to wait for a server
    /// that is away, and may have a connection where the server gives no more.
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
                // The others have been idle for longer.
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
                tracing::debug!(error = %described(&error), "no connection of their own for calls; using the pool");
                self.state().refused_at = Some(Instant::now());
                None
            }
        }
    }

    /// For the next one, unless it was closed by an error.
    fn give_back(&self, mut connection: Dedicated) {
        if connection.is_open() {
            let mut state = self.state();
            connection.set_place(None);
            state.free.push(Free { connection, since: Instant::now() });
        } else {
            // What else is idle may lead to where this one led.
            self.state().free.clear();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}
