//! The connections that single enqueues keep to themselves.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::store::{Dedicated, Servers};

/// Connections outside the pool, of which one is in use while one call at a time enqueues, and a second one
/// while several do.
///
/// The pool takes a connection back in a task of its own, and that is a switch between threads for each
/// call. Here the statement is also planned once; handlers that use up the pool hold up no enqueue; and no
/// session is met in which somebody left a transaction open.
#[derive(Debug, Default)]
pub(super) struct Connections {
    state: Mutex<State>,
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
    /// A connection that is open; `None` where the pool is to be used: it knows how to wait for a server
    /// that is away, and may have a connection where the server gives no more.
    pub(super) async fn take(&self, servers: &Servers) -> Option<Dedicated> {
        if servers.pool().is_closed() {
            self.state().free.clear();
            return None;
        }
        {
            let mut state = self.state();
            if let Some(free) = state.free.pop() {
                if free.since.elapsed() < LONGEST_IDLE {
                    return Some(free.connection);
                }
                // The others have been idle for longer.
                drop(mem::take(&mut state.free));
            }
            if state.refused_at.is_some_and(|at| at.elapsed() < AFTER_REFUSAL) {
                return None;
            }
        }
        let mut connection = Dedicated::new(servers);
        match connection.connect().await {
            Ok(()) => Some(connection),
            Err(error) => {
                tracing::debug!(%error, "no connection of their own for enqueues; using the pool");
                self.state().refused_at = Some(Instant::now());
                None
            }
        }
    }

    /// For the next one, unless it was closed by an error.
    pub(super) fn give_back(&self, connection: Dedicated) {
        if connection.is_open() {
            self.state().free.push(Free { connection, since: Instant::now() });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
