//! The queue as its user holds it: client and worker in one.

use std::{
    fmt,
    pin::pin,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use sqlx::{PgConnection, PgPool};

use super::{
    config::Config,
    handle::{start, started},
    handler::Handler,
    health::Workers,
    job_list::{JobList, JobSet, RegistryMut},
    registry::{Registered, Registry, Served},
    starting::Starting,
};
use crate::{
    Error,
    enqueue::{
        EnqueueOn, On, Target, Via,
        gathering::{Destination, Gathering},
        wake::Wake,
    },
    job::{IntoState, JobState},
    store::{Schema, Servers, Store, migrate::migrate},
};

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
    workers: Workers,
    waiters: super::wait::Waiters,
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
    /// is writable, see [`servers`](crate::SimpleQueueBuilder::servers).
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] when the URL cannot be read, and [`Error::Unreachable`], at once, when no server can be
    /// connected to.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder(url).connect().await
    }

    pub(super) fn from_parts(servers: Servers, schema: Schema, config: Config) -> Self {
        let connections = servers.pool().options().get_max_connections();
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        let inner = Inner {
            store: Store::new(schema, servers.pooled()),
            servers,
            config: RwLock::new(Arc::new(config)),
            registry: RwLock::new(Registry::on_pool_of(connections)),
            wake: Arc::default(),
            gathering: Arc::default(),
            workers: Workers::default(),
            waiters: super::wait::Waiters::default(),
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
    /// [`Error::DuplicateKind`] when another list had a job of the same name. Then none of this list is registered.
    pub fn register<I: IntoState<State = S>, S, T: JobSet<S>>(
        &self,
        jobs: JobList<T>,
        state: I,
    ) -> Result<&Self, Error> {
        {
            let mut registry = self.inner.registry.write().unwrap_or_else(PoisonError::into_inner);
            let JobList { also_on, .. } = jobs;
            // All of the list or none.
            let mut changed = registry.clone();
            let mut adding = RegistryMut { registry: &mut changed, also_on: &also_on };
            T::register(&mut adding, &state.into_state())?;
            *registry = changed;
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

    /// Starts a worker; what is returned is ready when it looks for jobs.
    pub fn start(&self) -> Starting {
        start(self)
    }

    /// Works until the future is ready, whatever it says, then stops: what still runs after 30 seconds is
    /// given back.
    ///
    /// # Errors
    /// [`Error::WorkerEnded`] when the worker ended by itself. What fails while working, such as a database that is
    /// away, is retried and logged.
    ///
    /// # Cancel safety
    /// When it is dropped the worker goes on; it ends with the runtime.
    pub async fn run_until(&self, stop: impl Future) -> Result<(), Error> {
        const DEADLINE: Duration = Duration::from_secs(30);
        let mut stop = pin!(stop);
        let worker = tokio::select! {
            worker = started(self.clone()) => worker,
            _ = &mut stop => return Ok(()),
        };
        let ended = tokio::select! {
            _ = stop => Ok(()),
            error = worker.stopped() => Err(error),
        };
        worker.shutdown(DEADLINE).await;
        ended
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

    pub(super) fn workers(&self) -> &Workers {
        &self.inner.workers
    }

    pub(super) fn has_started(&self) -> bool {
        self.workers().has_started()
    }

    pub(super) fn gathering(&self) -> &Gathering {
        &self.inner.gathering
    }

    pub(crate) fn servers(&self) -> &Servers {
        &self.inner.servers
    }

    pub(crate) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.inner.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Config)) {
        let mut config = self.inner.config.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut config));
    }

    pub(super) fn handler(&self, queue: &str, kind: &str) -> Option<Arc<Registered>> {
        self.inner.registry.read().unwrap_or_else(PoisonError::into_inner).find(queue, kind)
    }

    /// The queues that this process serves, and what can be started of each.
    pub(super) fn served(&self) -> Vec<Served> {
        self.inner.registry.read().unwrap_or_else(PoisonError::into_inner).served()
    }

    /// The names of the queues that this process serves.
    pub(super) fn queue_names(&self) -> Vec<String> {
        self.served().into_iter().map(|served| served.queue).collect()
    }

    pub(super) fn serves(&self, queue: &str) -> bool {
        self.inner.registry.read().unwrap_or_else(PoisonError::into_inner).serves(queue)
    }

    /// Runs were written; whoever waits for their jobs' ends hears of it.
    pub(super) fn settled(&self, settled: &[crate::finalize::Settled]) {
        self.inner.waiters.settled(settled);
    }

    pub(super) fn waiters(&self) -> &super::wait::Waiters {
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
