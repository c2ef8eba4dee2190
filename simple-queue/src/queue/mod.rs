//! The user's interface: the queue, its settings, and handlers.
//!
//! [`SimpleQueue`] is client and worker in one. [`crate::worker`] uses this room; nothing here uses
//! the worker.

// The order of these modules is the order of the parts in the documentation of `SimpleQueue`: the
// common parts come first, the interface of the predecessor last.
mod setup;

mod builder;
mod caller;
pub(crate) mod config;
mod context;
mod control;
mod database;
pub(crate) mod declared;
pub(crate) mod handler;
pub(crate) mod health;
pub(crate) mod job_list;
mod kinds;
mod limit_keys;
mod limits;
mod migrations;
#[cfg(feature = "testing")]
pub(crate) mod observed;
mod pauses;
mod plain;
mod queues;
pub(crate) mod registry;
mod running;
#[cfg(feature = "cron")]
mod schedules;
pub(crate) mod served;
pub(crate) mod shared_limit;
mod spool;
mod stats;
pub(crate) mod strategy;
mod transaction;
mod wait;
pub(crate) mod workers;

mod compat;

pub use builder::{Database, SimpleQueueBuilder};
pub(crate) use caller::{Caller, Operator};
pub use context::JobContext;
pub use handler::{Handler, JobHandler, StatefulHandler, TypedHandler};
pub use health::{Health, Unhealthy};
pub use job_list::{JobList, JobSet};
pub use limit_keys::LimitKey;
pub use limits::{LimitHolder, LimitState, Limits, RateState};
pub use migrations::PendingMigration;
pub use pauses::{Paused, Pausing, Resuming};
pub use plain::FinishedJob;
pub use queues::{Depth, QueueState};
#[cfg(feature = "cron")]
pub(crate) use schedules::ScheduledJob;
#[cfg(feature = "cron")]
pub use schedules::{Backfilled, ScheduleState, Schedules};
pub use spool::QueueSpool;
pub use stats::{Stats, StatsInterval};
pub use transaction::JobTx;

use std::{fmt, sync::Arc};

use parking_lot::RwLock;
use sqlx::PgPool;

use crate::{
    database::{Schema, Servers},
    enqueue::{
        Destination, EnqueueOn, Target, Via,
        coalescer::Coalescer,
        spool::{OwnedSpooler, PreparedSpool, Spooler},
        wake::Wake,
    },
    job::{JobState, KeyLimit},
    row::{NewKind, RuleId},
    store::Store,
};
use config::Config;
use registry::{Registered, Registry};
use served::Served;
use workers::Workers;

/// A queue in a database: it enqueues jobs and runs them.
///
/// A clone is cheap; all clones share their settings and handlers.
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
    coalescer: Arc<Coalescer>,
    spooler: Option<OwnedSpooler>,
    workers: Workers,
    waiters: wait::Waiters,
    #[cfg(feature = "testing")]
    observed: observed::Observed,
}

/// Accessors for the roles of a worker and the stages of a job.
impl SimpleQueue {
    /// Creates a queue with the default settings, which do not contradict each other.
    pub(crate) fn of_pool(pool: PgPool) -> Self {
        Self::from_parts(Servers::of(pool), Schema::default(), Config::default(), None)
    }

    fn from_parts(
        servers: Servers,
        schema: Schema,
        config: Config,
        spool: Option<PreparedSpool>,
    ) -> Self {
        let store = Store::new(schema, servers.pooled());
        Self::of_store(servers, store, config, spool)
    }

    fn of_store(
        servers: Servers,
        store: Store,
        config: Config,
        spool: Option<PreparedSpool>,
    ) -> Self {
        let connections = servers.pool().options().get_max_connections();
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        let (wake, coalescer) = (Arc::<Wake>::default(), Arc::<Coalescer>::default());
        let spooler = spool.map(|spool| {
            let (servers, store, wake) = (servers.clone(), store.clone(), Arc::clone(&wake));
            let destination = Destination { servers, store, wake, patience: None };
            OwnedSpooler::new(Spooler::new(spool, destination, Arc::clone(&coalescer)))
        });
        let inner = Inner {
            store,
            servers,
            config: RwLock::new(Arc::new(config)),
            registry: RwLock::new(Registry::on_pool_of(connections)),
            wake,
            coalescer,
            spooler,
            workers: Workers::default(),
            waiters: wait::Waiters::default(),
            #[cfg(feature = "testing")]
            observed: observed::Observed::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn wake(&self) -> &Arc<Wake> {
        &self.inner.wake
    }

    pub(crate) fn own_workers(&self) -> &Workers {
        &self.inner.workers
    }

    pub(crate) fn has_started(&self) -> bool {
        self.own_workers().has_started()
    }

    pub(crate) fn coalescer(&self) -> &Coalescer {
        &self.inner.coalescer
    }

    pub(crate) fn servers(&self) -> &Servers {
        &self.inner.servers
    }

    pub(crate) fn spooler(&self) -> Option<&Arc<Spooler>> {
        self.inner.spooler.as_ref().map(OwnedSpooler::get)
    }

    pub(crate) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.inner.config.read())
    }

    fn change(&self, change: impl FnOnce(&mut Config)) {
        let mut config = self.inner.config.write();
        change(Arc::make_mut(&mut config));
    }

    pub(crate) fn handler(&self, queue: &str, kind: &str) -> Option<Arc<Registered>> {
        self.inner.registry.read().find(queue, kind)
    }

    /// Returns the declaration of a kind that this process has registered.
    pub(crate) fn declared(&self, kind: &str) -> Option<declared::DeclaredKind> {
        self.inner.registry.read().declared(kind)
    }

    /// Returns the kinds that this process has registered.
    pub(crate) fn declared_kinds(&self) -> Vec<String> {
        self.inner.registry.read().declared_kinds()
    }

    /// Returns the kinds that this process has registered, as they are written into the database.
    pub(crate) fn new_kinds(&self) -> Vec<NewKind> {
        self.inner.registry.read().new_kinds()
    }

    /// Returns how many kinds this process has registered, aliases counted.
    pub(crate) fn count_kinds(&self) -> usize {
        self.inner.registry.read().count_kinds()
    }

    /// Returns the limit for each key with this number.
    pub(crate) fn key_limit(&self, rule: RuleId) -> Option<KeyLimit> {
        self.inner.registry.read().key_limit(rule)
    }

    /// Returns the limits for each key of the jobs that this process runs.
    pub(crate) fn key_rules(&self) -> Vec<Arc<registry::KeyRule>> {
        self.inner.registry.read().key_rules()
    }

    /// Returns the queues that this process serves, and what it can start of each.
    pub(crate) fn served(&self) -> Vec<Served> {
        self.inner.registry.read().served()
    }

    /// Returns the names of the queues that this process serves.
    pub(crate) fn queue_names(&self) -> Vec<String> {
        self.served().into_iter().map(|served| served.queue).collect()
    }

    /// Returns the jobs that are declared with a schedule.
    #[cfg(feature = "cron")]
    pub(crate) fn scheduled_jobs(&self) -> Vec<ScheduledJob> {
        self.inner.registry.read().scheduled.clone()
    }

    pub(crate) fn serves(&self, queue: &str) -> bool {
        self.inner.registry.read().serves(queue)
    }

    /// Wakes the callers that wait for the jobs of these runs, whose outcomes are written now.
    pub(crate) fn closed(&self, runs: &[crate::finalize::ClosedRun]) {
        self.inner.waiters.closed(runs);
        #[cfg(feature = "testing")]
        self.note_closed(runs);
    }

    pub(crate) fn waiters(&self) -> &wait::Waiters {
        &self.inner.waiters
    }
}

/// A pool alone is a common state of a worker.
impl JobState for PgPool {
    type Itself = Self;

    fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }
}

impl<'e> EnqueueOn<'e> for &'e SimpleQueue {
    fn target(self) -> Target<'e> {
        #[cfg(feature = "testing")]
        if let Some(unit) = self.unit() {
            return Target(Via::Nowhere(Arc::clone(&unit.enqueued)));
        }
        let destination = Destination {
            servers: self.servers().clone(),
            store: self.store().clone(),
            wake: Arc::clone(self.wake()),
            patience: None,
        };
        let coalescer = Arc::clone(&self.inner.coalescer);
        Target(Via::Queue { destination, coalescer, spooler: self.spooler().cloned() })
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
