//! One run of a handler by itself, as a unit test does it: no role is started, and nothing is written.

use std::sync::Arc;

use super::{
    Worker,
    run::{executor::Execution, running::Running},
};
use crate::{
    finalize::{ClosedRun, Finalizer, FinishedRun, RunObserver},
    queue::{SimpleQueue, registry::Registered},
    store::FetchedJob,
};

/// Runs a job with the steps of every run, and returns what would be written.
pub(crate) async fn run_alone(
    queue: SimpleQueue,
    handler: &Registered,
    fetched: Box<FetchedJob>,
) -> FinishedRun {
    let keep = queue.config().retention.keeps_completed();
    let (_finalizer, completions) =
        Finalizer::new(queue.store().clone(), queue.servers(), keep, Unobserved);
    let worker = Worker::new(queue, Arc::<Running>::default(), completions, None);
    let config = worker.client.config();
    Execution::new(&worker, handler, &config, fetched, None).finish().await
}

/// Nothing is written, so nothing is observed.
struct Unobserved;

impl RunObserver for Unobserved {
    fn closed(&self, _runs: &[ClosedRun]) {}

    fn has_room(&self) {}
}
