//! Stage 1: a payload and its options become a row, alone, in bulk or in the caller's transaction.
//!
//! The next stage is the row itself, [`crate::row`]; [`wake`] wakes the workers that fetch it.

mod builder;
mod coalesced;
pub(crate) mod coalescer;
mod connections;
mod failure;
mod insert;
mod inserted;
pub(crate) mod live;
pub(crate) mod spool;
mod validate;
pub(crate) mod wake;
mod write;

pub use builder::{Enqueue, Enqueued, enqueue_all};
pub(crate) use insert::insert;
pub use inserted::EnqueueOutcome;
pub(crate) use inserted::Inserted;
pub use live::{Found, KeptKey};
pub use spool::{Spool, SpoolStatus};
pub(crate) use validate::validate;
pub(crate) use write::Destination;

use std::sync::Arc;

use sqlx::{PgConnection, PgPool, Postgres, Transaction, pool::PoolConnection};

use crate::{
    database::{Pooled, Schema, Servers},
    store::Store,
};
use coalescer::Coalescer;
use spool::Spooler;

/// A target for [`enqueue`](Enqueue::enqueue): a queue, a pool, a connection or a transaction.
///
/// | target | what it means |
/// |---|---|
/// | `&SimpleQueue` | stored when the call returns; workers wake at once; repeated while the database is away for a moment, then [spooled](crate::SimpleQueueBuilder::spool) if the queue has a spool; concurrent calls share a statement |
/// | `&PgPool` | the same, in the schema `simple_queue`, without a `SimpleQueue`; each call is a transaction |
/// | `&mut Transaction` | stored if and when the caller's transaction commits |
/// | `&mut PgConnection` | as above if a transaction is open on it; otherwise stored when the call returns, but a large batch, or one with keys, is not all or none |
///
/// Every target but a queue means the schema `simple_queue`; for another schema use
/// [`SimpleQueue::on`](crate::SimpleQueue::on).
#[diagnostic::on_unimplemented(
    message = "jobs cannot be enqueued on `{Self}`",
    label = "expected `&SimpleQueue`, `&PgPool`, `&mut Transaction` or `&mut PgConnection`",
    note = "a transaction is passed as it is: `&mut tx`"
)]
pub trait EnqueueOn<'e>: Send + 'e {
    #[doc(hidden)]
    fn target(self) -> Target<'e>;
}

/// Where rows are inserted, and how workers wake afterwards.
#[doc(hidden)]
#[derive(Debug)]
pub struct Target<'e>(pub(crate) Via<'e>);

#[derive(Debug)]
pub(crate) enum Via<'e> {
    /// A queue. The library sees the commit, so it can repeat transient failures, coalesce
    /// concurrent enqueues, and wake the workers afterwards.
    /// Jobs that may be spooled are kept in files while the database is away.
    Queue { destination: Destination, coalescer: Arc<Coalescer>, spooler: Option<Arc<Spooler>> },
    /// A pool. The same, but each call is a transaction of its own, whose statements wake the
    /// workers.
    Pool { servers: Servers, store: Store },
    /// The caller's connection, which may have an open transaction.
    Connection { connection: &'e mut PgConnection, store: Store },
    /// No database: the jobs of a handler's run in a unit test.
    #[cfg(feature = "testing")]
    Nowhere(EnqueuedNowhere),
}

/// The jobs that were enqueued where there is no database.
#[cfg(feature = "testing")]
pub(crate) type EnqueuedNowhere = Arc<parking_lot::Mutex<Vec<crate::row::NewJob>>>;

impl Target<'_> {
    /// Runs an exchange of at most two statements.
    pub(crate) async fn ask<T>(
        &mut self,
        exchange: impl AsyncFnOnce(&mut PgConnection, &Store) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        const STATEMENTS: usize = 2;
        match &mut self.0 {
            Via::Connection { connection, store } => exchange(connection, store).await,
            Via::Pool { servers, store } => {
                servers.ask(STATEMENTS, async |connection| exchange(connection, store).await).await
            }
            Via::Queue { destination: Destination { servers, store, .. }, coalescer, .. } => {
                let exchange =
                    async |connection: &mut PgConnection| exchange(connection, store).await;
                coalescer.calls().ask(servers, STATEMENTS, exchange).await
            }
            #[cfg(feature = "testing")]
            Via::Nowhere(_) => Err(sqlx::Error::Configuration(
                "a job that is run by itself in a test has no database".into(),
            )),
        }
    }

    /// Whether the library sees the result of a statement, and may send it again.
    const fn is_the_librarys(&self) -> bool {
        !matches!(self.0, Via::Connection { .. })
    }
}

impl<'e> EnqueueOn<'e> for &'e PgPool {
    fn target(self) -> Target<'e> {
        Target(Via::Pool { servers: Servers::of(self.clone()), store: default_store() })
    }
}

impl<'e> EnqueueOn<'e> for &'e mut PgConnection {
    fn target(self) -> Target<'e> {
        Target(Via::Connection { connection: self, store: default_store() })
    }
}

impl<'e> EnqueueOn<'e> for &'e mut Transaction<'_, Postgres> {
    fn target(self) -> Target<'e> {
        EnqueueOn::target(&mut **self)
    }
}

impl<'e> EnqueueOn<'e> for &'e mut PoolConnection<Postgres> {
    fn target(self) -> Target<'e> {
        EnqueueOn::target(&mut **self)
    }
}

/// A connection with the schema of a queue; [`SimpleQueue::on`](crate::SimpleQueue::on) creates it.
#[derive(Debug)]
pub struct EnqueueOnConnection<'e> {
    pub(crate) connection: &'e mut PgConnection,
    pub(crate) store: Store,
}

impl<'e> EnqueueOn<'e> for EnqueueOnConnection<'e> {
    fn target(self) -> Target<'e> {
        Target(Via::Connection { connection: self.connection, store: self.store })
    }
}

/// The statements of the default schema, built once for the process.
fn default_store() -> Store {
    static STORE: std::sync::LazyLock<Store> =
        std::sync::LazyLock::new(|| Store::new(Schema::default(), &Pooled::default()));
    STORE.clone()
}
