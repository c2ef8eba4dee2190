//! What the user holds: the queue, its settings, and the interface of handlers.
//!
//! [`SimpleQueue`] is client and worker in one. What a worker does with it is in [`crate::worker`], of which nothing
//! here knows.

pub(crate) mod config;
mod context;
mod control;
mod database;
pub(crate) mod handler;
pub(crate) mod job_list;
mod plain;
pub(crate) mod registry;
pub(crate) mod strategy;
mod transaction;
#[cfg(feature = "wait-for-job")]
mod wait;

pub use context::JobContext;
pub use control::{DeadLetters, Paused, Redriven};
pub use handler::{Handler, JobHandler, Typed, TypedHandler};
pub use job_list::{JobList, JobSet};
pub use plain::Ended;
pub use transaction::JobTx;

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use sqlx::{PgConnection, PgPool, postgres::PgPoolOptions};

use crate::{
    Error,
    database::{Schema, Servers, parse_url},
    enqueue::{Destination, EnqueueOn, On, Target, Via, gathering::Gathering, wake::Wake},
    job::{IntoState, JobState},
    store::{Store, migrate::migrate},
};
use config::Config;
use job_list::RegistryMut;
use registry::{Registered, Registry, Served};

/// A queue in a database: enqueues jobs and works on them.
///
/// A cheap clone; all clones share their settings and handlers.
///
/// ```no_run
/// use simple_queue::prelude::*;
///
/// # async fn example() -> Result<(), simple_queue::Error> {
/// let queue = SimpleQueue::connect("postgres://localhost/app").await?;
/// queue.migrate().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SimpleQueue {
    inner: Arc<Inner>,
}

struct Inner {
    servers: Servers,
    store: Store,
    config: RwLock<Arc<Config>>,
    registry: RwLock<Registry>,
    wake: Arc<Wake>,
    gathering: Arc<Gathering>,
    #[cfg(feature = "wait-for-job")]
    waiters: wait::Waiters,
}

impl SimpleQueue {
    /// A queue on a pool of yours, in the schema `simple_queue`.
    ///
    /// Jobs are enqueued, cancelled and looked for through a few connections beside the pool, of which mostly one or
    /// two are open, and through the pool where those are in use or the server gives none. A worker opens some of
    /// its own, too. All have the pool's options, and handlers that use up the pool do not hold them up.
    pub fn new(pool: PgPool) -> Self {
        Self::from_parts(Servers::of(pool), Schema::default(), Config::default())
    }

    /// A queue on a pool of its own.
    ///
    /// Several servers may be named, `postgres://app@one:5432,two:5432/app`; the queue follows the one that
    /// is writable, see [`SimpleQueue::with_servers`].
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] when the URL cannot be read, and [`Error::Unreachable`], at once, when no server can be
    /// connected to.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        let mut servers = parse_url(url)?;
        // A connection that broke while it was idle is noticed by the statement that meets it, and repeated;
        // asking each time whether it still is there would cost every enqueue a round trip.
        let pool =
            PgPoolOptions::new().test_before_acquire(false).connect_lazy_with(servers[0].clone());
        let queue = Self::new(pool);
        let queue = match servers.len() {
            1 => queue,
            _ => queue.with_servers(servers.drain(..)),
        };
        queue.servers().reach().await?;
        queue.servers().acquire().await.map_err(Error::database("connect"))?;
        Ok(queue)
    }

    /// As [`SimpleQueue::connect`].
    ///
    /// # Errors
    /// When the URL cannot be read or the database cannot be reached.
    pub async fn new_from_url(url: &str) -> Result<Self, Error> {
        Self::connect(url).await
    }

    /// Puts the tables into another schema; several queues can share a database this way.
    ///
    /// To be called first: handlers that were registered before are not taken along.
    ///
    /// # Errors
    /// When the name is not one that needs no quotes.
    pub fn with_schema(self, schema: &str) -> Result<Self, Error> {
        let config = Arc::unwrap_or_clone(self.config());
        Ok(Self::from_parts(self.servers().clone(), Schema::new(schema)?, config))
    }

    fn from_parts(servers: Servers, schema: Schema, config: Config) -> Self {
        let connections = servers.pool().options().get_max_connections();
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        let inner = Inner {
            store: Store::new(schema, servers.pooled()),
            servers,
            config: RwLock::new(Arc::new(config)),
            registry: RwLock::new(Registry::on_pool_of(connections)),
            wake: Arc::default(),
            gathering: Arc::default(),
            #[cfg(feature = "wait-for-job")]
            waiters: wait::Waiters::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Makes the tables, or brings them up to date. Safe to run from many processes at once, and cheap
    /// when there is nothing to do. The role that does it owns the schema; others need [`SimpleQueue::grants`].
    ///
    /// It waits for no lock longer than half a second at a time, and says in the log who holds it up.
    ///
    /// # Errors
    /// When the database cannot be reached, is not in UTF-8, or the role may not create a schema in it;
    /// [`Error::ForeignSchema`] when another role owns the schema; [`Error::MigrationHeldUp`] when the locks are
    /// not to be had for thirty times as long as a statement may take.
    ///
    /// # Cancel safety
    /// Each part is applied in a transaction: a call that is dropped leaves none half done.
    pub async fn migrate(&self) -> Result<(), Error> {
        migrate(self.servers(), self.store().schema()).await
    }

    /// Registers the jobs that this process runs, and the state they run with.
    ///
    /// The state is a struct that derives `JobState`, or anything in an `Arc`; `()` for jobs that take none. It does
    /// not compile when a job takes a `&T` that the state does not provide.
    ///
    /// # Errors
    /// [`Error::DuplicateKind`] when another list had a job of the same name; those of that list that
    /// come before it are registered.
    pub fn register<I: IntoState<State = S>, S, T: JobSet<S>>(
        &self,
        jobs: JobList<T>,
        state: I,
    ) -> Result<&Self, Error> {
        {
            let mut registry = self.inner.registry.write().unwrap_or_else(PoisonError::into_inner);
            let JobList { also_on, .. } = jobs;
            let mut registry = RegistryMut { registry: &mut registry, also_on: &also_on };
            T::register(&mut registry, &state.into_state())?;
        }
        self.wake().wake_local();
        Ok(self)
    }

    /// Registers a handler of the plain interface, before or after the worker was started; one that
    /// served the same queue and kind is replaced.
    pub fn register_handler(&self, handler: impl Handler) -> &Self {
        self.inner.registry.write().unwrap_or_else(PoisonError::into_inner).insert(handler, &[]);
        self.wake().wake_local();
        self
    }

    /// The caller's connection or transaction, to enqueue in this queue's schema.
    ///
    /// ```no_run
    /// # use simple_queue::prelude::*;
    /// # #[job(queue = "emails")]
    /// # async fn send_welcome(user_id: i64) {}
    /// # async fn example(queue: SimpleQueue, pool: sqlx::PgPool) -> Result<(), BoxDynError> {
    /// let mut tx = pool.begin().await?;
    /// SendWelcome::new(42).enqueue(queue.on(&mut tx)).await?;
    /// tx.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on<'e>(&self, connection: &'e mut PgConnection) -> On<'e> {
        On { connection, store: self.store().clone() }
    }

    /// The pool that jobs are enqueued through.
    pub fn pool(&self) -> &PgPool {
        self.servers().pool()
    }
}

/// What the roles of a worker and the stages of a job ask of the queue.
impl SimpleQueue {
    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn wake(&self) -> &Arc<Wake> {
        &self.inner.wake
    }

    pub(crate) fn gathering(&self) -> &Gathering {
        &self.inner.gathering
    }

    pub(crate) fn servers(&self) -> &Servers {
        &self.inner.servers
    }

    pub(crate) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.inner.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn configure(&self, change: impl FnOnce(&mut Config)) {
        let mut config = self.inner.config.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut config));
    }

    pub(crate) fn configured(self, change: impl FnOnce(&mut Config)) -> Self {
        self.configure(change);
        self
    }

    pub(crate) fn handler(&self, queue: &str, kind: &str) -> Option<Arc<Registered>> {
        self.inner.registry.read().unwrap_or_else(PoisonError::into_inner).find(queue, kind)
    }

    /// The queues that this process serves, and what can be started of each.
    pub(crate) fn served(&self) -> Vec<Served> {
        self.inner.registry.read().unwrap_or_else(PoisonError::into_inner).served()
    }

    /// The names of the queues that this process serves.
    pub(crate) fn queue_names(&self) -> Vec<String> {
        self.served().into_iter().map(|served| served.queue).collect()
    }

    pub(crate) fn serves(&self, queue: &str) -> bool {
        self.inner.registry.read().unwrap_or_else(PoisonError::into_inner).serves(queue)
    }

    /// Runs were written; whoever waits for their jobs' ends hears of it.
    #[cfg(feature = "wait-for-job")]
    pub(crate) fn settled(&self, settled: &[crate::finalize::Settled]) {
        self.inner.waiters.settled(settled);
    }

    #[cfg(feature = "wait-for-job")]
    pub(crate) fn waiters(&self) -> &wait::Waiters {
        &self.inner.waiters
    }
}

/// A pool alone is the state of many workers.
impl JobState for PgPool {
    type Itself = Self;

    fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }
}

impl<'e> EnqueueOn<'e> for &'e SimpleQueue {
    fn target(self) -> Target<'e> {
        let destination = Destination {
            servers: self.servers().clone(),
            store: self.store().clone(),
            wake: Arc::clone(self.wake()),
        };
        Target(Via::Queue { destination, gathering: Arc::clone(&self.inner.gathering) })
    }
}

impl<'e> EnqueueOn<'e> for &'e Arc<SimpleQueue> {
    fn target(self) -> Target<'e> {
        self.as_ref().target()
    }
}

impl AsRef<Self> for SimpleQueue {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for SimpleQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimpleQueue")
            .field("schema", &self.store().schema().name())
            .field("queues", &self.queue_names())
            .finish_non_exhaustive()
    }
}
