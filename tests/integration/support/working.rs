//! A worker with the probe on a database of its own, as most tests begin.

use simple_queue::{SimpleQueue, WorkerHandle};

use super::{Probe, TestDatabase};

/// The parts that a test uses.
pub(crate) struct Working {
    pub(crate) database: TestDatabase,
    pub(crate) queue: SimpleQueue,
    pub(crate) probe: Probe,
    pub(crate) worker: WorkerHandle,
}

/// Starts a worker that serves the probe's queue.
pub(crate) async fn working() -> Working {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    Working { database, queue, probe, worker }
}
