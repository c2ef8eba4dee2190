//! Which server has the database, and how to connect to it.

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::RwLock;
use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::sync::{Mutex, watch};

use super::{
    advice::Advice,
    failure::{casts_doubt, is_refused_parameter},
    session::{
        Limits, Pooled, Purpose, first_writable, is_writable, own_session, read_session_mark,
    },
};
use crate::telemetry;

/// The connection settings that a queue and the roles of its workers share. A cheap clone.
///
/// Of several servers, the writable one has the database. After an error that casts doubt on the current server, the
/// next caller that needs a connection searches for the writable one, and the pool moves there. Without errors there is
/// no search.
#[derive(Clone)]
pub(crate) struct Servers {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) pool: PgPool,
    settings: RwLock<Settings>,
    pooled: Pooled,
    /// A session was found to be this process's own, so there is no pooler.
    unpooled: AtomicBool,
    /// The pool's server may no longer be the primary.
    doubted: AtomicBool,
    /// The warning about an unencrypted connection was logged.
    warned: AtomicBool,
    /// Held by the one task that searches; the others wait for its result.
    search: Mutex<()>,
    advice: Advice,
    /// Number of moves of the database.
    pub(super) moves: watch::Sender<u64>,
}

#[derive(Clone)]
pub(super) struct Settings {
    /// Servers that may have the database; empty: only the pool's.
    pub(super) candidates: Vec<PgConnectOptions>,
    /// The direct connection that bypasses a pooler, for roles that need a session.
    direct: Option<PgConnectOptions>,
    statement_timeout: Duration,
}

impl Servers {
    /// 10 s: no statement of the library takes this long while the database works normally.
    pub(crate) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

    pub(crate) fn of(pool: PgPool) -> Self {
        let settings = Settings {
            candidates: Vec::new(),
            direct: None,
            statement_timeout: Self::STATEMENT_TIMEOUT,
        };
        let inner = Inner {
            pool,
            settings: RwLock::new(settings),
            pooled: Pooled::default(),
            unpooled: AtomicBool::new(false),
            doubted: AtomicBool::new(false),
            warned: AtomicBool::new(false),
            search: Mutex::default(),
            advice: Advice::default(),
            moves: watch::Sender::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn set_candidates(&self, candidates: Vec<PgConnectOptions>) {
        self.configure(|settings| settings.candidates = candidates);
        // The pool may lead to a server that is not writable.
        self.inner.doubted.store(true, Ordering::Release);
    }

    pub(crate) fn set_direct(&self, direct: PgConnectOptions) {
        self.configure(|settings| settings.direct = Some(direct));
        self.inner.pooled.set();
    }

    pub(crate) fn set_statement_timeout(&self, limit: Duration) {
        self.configure(|settings| settings.statement_timeout = limit);
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.inner.pool
    }

    pub(crate) fn pooled(&self) -> &Pooled {
        &self.inner.pooled
    }

    pub(crate) fn statement_timeout(&self) -> Duration {
        self.settings().statement_timeout
    }

    /// How long a statement waits for another transaction's lock.
    pub(crate) fn lock_timeout(&self) -> Duration {
        Limits::of(self.statement_timeout()).lock()
    }

    /// Changes with every move of the database.
    pub(crate) fn moves(&self) -> watch::Receiver<u64> {
        self.inner.moves.subscribe()
    }

    /// Notes the error of a statement: logs advice, and doubts the server if the error casts doubt on it.
    pub(crate) fn note_error(&self, error: &sqlx::Error) {
        if casts_doubt(error) {
            self.doubt();
        }
        self.inner.advice.give(error);
    }

    /// The pool's server may no longer be the primary.
    pub(super) fn doubt(&self) {
        self.inner.doubted.store(true, Ordering::Release);
    }

    /// Opens a connection for a role, with the server's statement timeout set.
    pub(super) async fn open(
        &self,
        statement_timeout: Duration,
        purpose: Purpose,
    ) -> sqlx::Result<PgConnection> {
        let options = self.writable().await;
        if !self.inner.pooled.get() {
            match own_session(&options, statement_timeout, purpose).connect().await {
                Ok(mut connection) => {
                    let mark = read_session_mark(&mut connection).await?;
                    if mark.is_own {
                        self.inner.unpooled.store(true, Ordering::Release);
                        self.warn_of_clear_text(&options, mark.is_encrypted);
                        return Ok(connection);
                    }
                }
                Err(error) if is_refused_parameter(&error) => {}
                Err(error) => return Err(error),
            }
            self.note_pooler();
        }
        options.connect().await
    }

    /// How to connect for roles that need a session of their own; `None` behind a transaction pooler.
    pub(crate) async fn session(&self) -> sqlx::Result<Option<PgConnectOptions>> {
        if let Some(direct) = self.settings().direct {
            return Ok(Some(direct));
        }
        if !self.inner.pooled.get() && !self.inner.unpooled.load(Ordering::Acquire) {
            // Opening a connection finds that out.
            self.open(self.statement_timeout(), Purpose::Usual).await?.close().await?;
        }
        Ok(if self.inner.pooled.get() { None } else { Some(self.writable().await) })
    }

    /// Opens a session for migrations, whose statements have no timeout; `None` behind a transaction pooler.
    pub(crate) async fn open_for_migrations(&self) -> sqlx::Result<Option<PgConnection>> {
        if let Some(direct) = self.settings().direct {
            let own = own_session(&direct, Duration::ZERO, Purpose::Migrations);
            return own.connect().await.map(Some);
        }
        let connection = self.open(Duration::ZERO, Purpose::Migrations).await?;
        Ok((!self.inner.pooled.get()).then_some(connection))
    }

    /// How to connect to the server that is writable, as far as is known.
    pub(super) async fn writable(&self) -> PgConnectOptions {
        let candidates = self.settings().candidates;
        if !candidates.is_empty() && self.inner.doubted.load(Ordering::Acquire) {
            let _one = self.inner.search.lock().await;
            if self.inner.doubted.load(Ordering::Acquire) {
                self.look_for_writable(&candidates).await;
            }
        }
        (*self.inner.pool.connect_options()).clone()
    }

    /// The current server keeps the database while it is writable, even if another server is writable too: that may be
    /// an old primary that came back.
    async fn look_for_writable(&self, candidates: &[PgConnectOptions]) {
        let current = (*self.inner.pool.connect_options()).clone();
        // Both searches together take no longer than one statement.
        let patience = self.statement_timeout() / 2;
        let found = if is_writable(&current, patience).await {
            Some(current)
        } else {
            first_writable(candidates, patience).await
        };
        let Some(found) = found else {
            telemetry::database::no_writable_server(candidates.len());
            return;
        };
        // A doubt that arises from here on is a new one.
        self.inner.doubted.store(false, Ordering::Release);
        let (before, now) = (place(&self.inner.pool.connect_options()), place(&found));
        if before != now {
            telemetry::database::server_changed(&before, &now);
            self.inner.pool.set_connect_options(found);
            self.inner.moves.send_modify(|moves| *moves += 1);
        }
        // Idle connections may lead to a server that still answers but is no longer writable.
        self.close_idle();
    }

    pub(super) fn close_idle(&self) {
        while let Some(mut idle) = self.inner.pool.try_acquire() {
            idle.close_on_drop();
        }
    }

    /// Warns once that traffic is readable on the network, if the options leave encryption to chance.
    fn warn_of_clear_text(&self, options: &PgConnectOptions, is_encrypted: bool) {
        let left_to_chance = matches!(options.get_ssl_mode(), PgSslMode::Prefer | PgSslMode::Allow);
        if left_to_chance
            && !is_encrypted
            && !is_local(options)
            && !self.inner.warned.swap(true, Ordering::AcqRel)
        {
            telemetry::database::connection_unencrypted(&place(options));
        }
    }

    fn note_pooler(&self) {
        if !self.inner.pooled.set() {
            telemetry::database::pooler_found();
        }
    }

    pub(super) fn settings(&self) -> Settings {
        self.inner.settings.read().clone()
    }

    fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.inner.settings.write());
    }
}

/// Whether these options lead to this machine.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_matches(['[', ']']);
    options.get_socket().is_some()
        || host == "localhost"
        || host.starts_with('/')
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// No server accepts connections.
#[derive(Debug)]
pub(crate) struct Unreachable {
    /// Each server that was tried, and why connecting failed.
    pub(crate) tried: Vec<(String, sqlx::Error)>,
}

/// The server of these options, for a message; without the password.
pub(super) fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => format!("{}:{}", socket.display(), options.get_port()),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self.settings();
        f.debug_struct("Servers")
            .field("now", &place(&self.inner.pool.connect_options()))
            .field("candidates", &settings.candidates.iter().map(place).collect::<Vec<_>>())
            .field("pooled", &self.inner.pooled.get())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_machine_is_told_from_what_does_not() {
        let is_local_at = |url: &str| is_local(&url.parse().unwrap());
        for url in ["localhost", "127.0.0.1", "127.8.8.8:7", "[::1]", "%2Frun", "app@localhost"] {
            assert!(is_local_at(&format!("postgres://{url}/app")), "{url}");
        }
        for url in ["db.local", "10.0.0.1", "localhost.example.org", "[fe80::1]"] {
            assert!(!is_local_at(&format!("postgres://{url}/app")), "{url}");
        }
    }
}
