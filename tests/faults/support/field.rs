//! A database with the tables of the queue and of the suite, and workers on it.

use simple_queue::{SimpleQueue, embedded::EmbeddedPostgres};
use tokio::sync::OnceCell;

use super::{Ledger, Load, Worker, queue_at, watch};

/// Where a case takes place.
pub(crate) struct Field {
    pub(crate) url: String,
    pub(crate) ledger: Ledger,
    /// Enqueues, as in a process without a worker.
    pub(crate) queue: SimpleQueue,
}

impl Field {
    /// A database on a server that the case does not disturb.
    pub(crate) async fn shared() -> Self {
        static SERVER: OnceCell<EmbeddedPostgres> = OnceCell::const_new();
        let start = || EmbeddedPostgres::builder().setting("max_connections", "500").start();
        let server = SERVER.get_or_init(async || start().await.unwrap()).await;
        Self::at(server.create_database().await.unwrap()).await
    }

    /// An empty database of the case's own.
    pub(crate) async fn at(url: String) -> Self {
        let ledger = Ledger::open(&url);
        watch(&url);
        ledger.make().await;
        let queue = queue_at(&url);
        queue.migrate().await.unwrap();
        Self { url, ledger, queue }
    }

    pub(crate) async fn worker(&self) -> Worker {
        Worker::start(&self.url).await
    }

    pub(crate) async fn workers(&self, count: usize) -> Vec<Worker> {
        futures_util::future::join_all((0..count).map(|_| self.worker())).await
    }

    pub(crate) fn load(&self) -> Load {
        Load::start(&self.queue, 4)
    }
}
