//! Which server the database is on, and how it is reached.

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

/// The way to the database, which a queue and the roles of its workers share. A cheap clone.
///
/// With several servers, whichever of them is writable has the database. After an error that may mean that
/// it no longer is, the next one who needs a connection looks for the one that is, and the pool is moved
/// there; as long as nothing fails, nobody asks.
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
    /// The server that the pool leads to may no longer be the one.
    doubted: AtomicBool,
    /// It was said that nothing is encrypted.
    warned: AtomicBool,
    /// One looks, the others wait for what it finds.
    search: Mutex<()>,
    advice: Advice,
    /// How often the database has moved.
    pub(super) moves: watch::Sender<u64>,
}

#[derive(Clone)]
pub(super) struct Settings {
    /// Where the database may be; none: where the pool leads.
    pub(super) candidates: Vec<PgConnectOptions>,
    /// The way past a pooler, for what needs a session.
    direct: Option<PgConnectOptions>,
    statement_timeout: Duration,
}

impl Servers {
    /// No statement of the library's takes this long while the database is well.
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
        // The pool may lead to one that is not writable.
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

    /// How long a statement waits for somebody's lock.
    pub(crate) fn lock_timeout(&self) -> Duration {
        Limits::of(self.statement_timeout()).lock()
    }

    /// Changes with every move of the database.
    pub(crate) fn moves(&self) -> watch::Receiver<u64> {
        self.inner.moves.subscribe()
    }

    /// Takes in what a statement failed with.
    pub(crate) fn note_error(&self, error: &sqlx::Error) {
        if casts_doubt(error) {
            self.doubt();
        }
        self.inner.advice.give(error);
    }

    /// The server that the pool leads to may no longer be the one.
    pub(super) fn doubt(&self) {
        self.inner.doubted.store(true, Ordering::Release);
    }

    /// Opens a connection for a role, on which the server ends what takes too long.
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

    /// How to connect for what needs a session of its own; `None` where sessions are only lent.
    pub(crate) async fn session(&self) -> sqlx::Result<Option<PgConnectOptions>> {
        if let Some(direct) = self.settings().direct {
            return Ok(Some(direct));
        }
        if !self.inner.pooled.get() && !self.inner.unpooled.load(Ordering::Acquire) {
            // Finds out.
            self.open(self.statement_timeout(), Purpose::Usual).await?.close().await?;
        }
        Ok(if self.inner.pooled.get() { None } else { Some(self.writable().await) })
    }

    /// Opens a session for the migrations, whose statements take the time they need; `None` where sessions are
    /// only lent.
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

    /// The server that has the database keeps it as long as it is writable, also when another one is: an
    /// old primary may have come back.
    async fn look_for_writable(&self, candidates: &[PgConnectOptions]) {
        let current = (*self.inner.pool.connect_options()).clone();
        // Both looks together take no longer than a statement.
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
        // Doubts that arise from here on are new ones.
        self.inner.doubted.store(false, Ordering::Release);
        let (before, now) = (place(&self.inner.pool.connect_options()), place(&found));
        if before != now {
            telemetry::database::server_changed(&before, &now);
            self.inner.pool.set_connect_options(found);
            self.inner.moves.send_modify(|moves| *moves += 1);
        }
        // They may lead to a server that still answers and is no longer writable.
        self.close_idle();
    }

    pub(super) fn close_idle(&self) {
        while let Some(mut idle) = self.inner.pool.try_acquire() {
            idle.close_on_drop();
        }
    }

    /// Says once that what is sent can be read on its way, where the options leave that to chance.
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

/// Whether these lead to the machine that this process runs on.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_matches(['[', ']']);
    options.get_socket().is_some()
        || host == "localhost"
        || host.starts_with('/')
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// None of the servers could be connected to.
#[derive(Debug)]
pub(crate) struct Unreachable {
    /// Each server that was tried, and why it could not be connected to.
    pub(crate) tried: Vec<(String, sqlx::Error)>,
}

/// The server that these lead to, for a message; without the password.
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
