//! Which server the database is on, and how it is reached.

use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool, Postgres, Transaction, pool::PoolConnection,
    postgres::PgConnectOptions,
};
use tokio::{
    sync::{Mutex, watch},
    time::timeout,
};

use super::{
    advice::Advice,
    session::{
        Pooled, Purpose, answer_in_time, first_writable, is_own_session, is_writable, own_session,
        within,
    },
};
use crate::error::{FailedStatement, casts_doubt, is_refused_parameter};

/// The way to the database, which a queue and the roles of its workers share. A cheap clone.
///
/// With several servers, whichever of them is writable has the database. After an error that may mean that
/// it no longer is, the next one who needs a connection looks for the one that is, and the pool is moved
/// there; as long as nothing fails, nobody asks.
#[derive(Clone)]
pub(crate) struct Servers {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    settings: RwLock<Settings>,
    pooled: Pooled,
    /// A session was found to be this process's own, so there is no pooler.
    unpooled: AtomicBool,
    /// The server that the pool leads to may no longer be the one.
    doubted: AtomicBool,
    /// One looks, the others wait for what it finds.
    search: Mutex<()>,
    advice: Advice,
    /// How often the database has moved.
    moves: watch::Sender<u64>,
}

#[derive(Clone)]
struct Settings {
    /// Where the database may be; none: where the pool leads.
    candidates: Vec<PgConnectOptions>,
    /// The way past a pooler, for what needs a session.
    direct: Option<PgConnectOptions>,
    statement_timeout: Duration,
}

/// A pool that has no connection for so long may be waiting for a server that is gone.
const ACQUIRE: Duration = Duration::from_secs(1);

/// The mark is gone with the end of the transaction, whoever sends it.
const BEGIN_FOR_A_JOB: &str = "begin; set local simple_queue_job.transaction = 'on'";

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

    /// Changes with every move of the database.
    pub(crate) fn moves(&self) -> watch::Receiver<u64> {
        self.inner.moves.subscribe()
    }

    /// Takes in what a statement failed with.
    pub(crate) fn heed(&self, error: &sqlx::Error) {
        if casts_doubt(error) {
            self.inner.doubted.store(true, Ordering::Release);
        }
        self.inner.advice.give(error);
    }

    /// Opens a connection for a role, on which the server ends what takes too long.
    pub(super) async fn open(
        &self,
        statement_timeout: Duration,
        purpose: Purpose,
    ) -> sqlx::Result<PgConnection> {
        let options = self.writable().await;
        if !self.inner.pooled.get() {
            let limit = format!("{}ms", statement_timeout.as_millis());
            let own = own_session(&options, purpose).options([("statement_timeout", limit)]);
            match own.connect().await {
                Ok(mut connection) => {
                    if is_own_session(&mut connection).await? {
                        self.inner.unpooled.store(true, Ordering::Release);
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
        Ok(match self.inner.pooled.get() {
            true => None,
            false => Some(self.writable().await),
        })
    }

    /// Opens a session for the migrations, whose statements take the time they need; `None` where sessions are
    /// only lent.
    pub(super) async fn open_for_migrations(&self) -> sqlx::Result<Option<PgConnection>> {
        if let Some(direct) = self.settings().direct {
            let direct = direct.options([("statement_timeout", "0")]);
            return own_session(&direct, Purpose::Migrations).connect().await.map(Some);
        }
        let connection = self.open(Duration::ZERO, Purpose::Migrations).await?;
        Ok((!self.inner.pooled.get()).then_some(connection))
    }

    /// Exchanges so many statements and answers on a connection of the pool, but does not wait for ever.
    ///
    /// In a transaction where sessions are only lent.
    pub(crate) async fn ask<T, E: From<sqlx::Error> + FailedStatement>(
        &self,
        statements: usize,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut lent = OnLoan(Some(self.acquire().await?));
        let connection = lent.0.as_mut().expect("it is given back below");
        let statements = u32::try_from(statements).unwrap_or(u32::MAX);
        let answer = answer_in_time(self.statement_timeout() * statements, async {
            within(connection, self.inner.pooled.get(), exchange).await
        });
        let answer = answer.await;
        if let Err(error) = &answer
            && let Some(error) = error.failed_statement()
            && casts_doubt(error)
        {
            self.heed(error);
            // It leads to a server that is gone, or that is no longer the one.
            return answer;
        }
        drop(lent.0.take());
        answer
    }

    /// A connection of the pool, to the server that is writable.
    ///
    /// The pool tests a connection before it gives it out, and waits for the answer as long as for a free
    /// one. A wait that is too long for a server that is there, while the pool is not used up, is for one
    /// that is not; then those that are idle lead nowhere either.
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
                    return acquired.inspect_err(|error| self.heed(error));
                }
                self.inner.doubted.store(true, Ordering::Release);
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
    /// [`limit_idle_transaction`](super::Store::limit_idle_transaction) knows it.
    ///
    /// Cancel safe, which the driver's own `begin` is not: dropped at the wrong moment it gives a session
    /// back to the pool in which a transaction is open, and what others write there, their commits too, is
    /// rolled back when it is closed. <https://github.com/launchbadge/sqlx/issues/4385>
    pub(crate) async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        if !self.settings().candidates.is_empty() {
            drop(self.acquire().await?);
        }
        let pool = self.inner.pool.clone();
        let begun = tokio::spawn(async move { pool.begin_with(BEGIN_FOR_A_JOB).await });
        begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    /// How to connect to the server that is writable, as far as is known.
    async fn writable(&self) -> PgConnectOptions {
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
        let found = match is_writable(&current, patience).await {
            true => Some(current),
            false => first_writable(candidates, patience).await,
        };
        let Some(found) = found else {
            tracing::warn!(
                servers = candidates.len(),
                "none of the servers is writable for the moment; looking on"
            );
            return;
        };
        // Doubts that arise from here on are new ones.
        self.inner.doubted.store(false, Ordering::Release);
        let (before, now) = (place(&self.inner.pool.connect_options()), place(&found));
        if before != now {
            tracing::warn!(from = before, to = now, "the database has moved; following it");
            self.inner.pool.set_connect_options(found);
            self.inner.moves.send_modify(|moves| *moves += 1);
        }
        // They may lead to a server that still answers and is no longer writable.
        self.close_idle();
    }

    fn close_idle(&self) {
        while let Some(mut idle) = self.inner.pool.try_acquire() {
            idle.close_on_drop();
        }
    }

    fn note_pooler(&self) {
        if !self.inner.pooled.set() {
            tracing::info!(
                "there is a pooler between this process and the server: every statement is sent in a transaction of its own"
            );
        }
    }

    fn settings(&self) -> Settings {
        self.inner.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.inner.settings.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A connection of the pool, which goes back there only when it is known what state it is in. Closed when it
/// is dropped before: with the caller's future, perhaps in the midst of a statement, or of a `begin`.
struct OnLoan(Option<PoolConnection<Postgres>>);

impl Drop for OnLoan {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.0 {
            connection.close_on_drop();
        }
    }
}

/// The server that these lead to, for a message; without the password.
fn place(options: &PgConnectOptions) -> String {
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
