//! A worker that can be killed.

use simple_queue::SimpleQueue;
use tokio::runtime::{Builder, Runtime};

use super::{Probe, TestDatabase};

/// A worker on a runtime of its own, which ends with all its tasks and connections at once, as
/// a process does that is killed.
pub(crate) struct Mortal(Option<Runtime>);

impl Mortal {
    /// Starts a worker; the queue must be made on its runtime, because its pool belongs there.
    pub(crate) async fn start<F, M>(make: M) -> Self
    where
        F: Future<Output = SimpleQueue> + Send,
        M: FnOnce() -> F + Send + 'static,
    {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let started = runtime.spawn(async move {
            let queue = make().await;
            queue.start().await;
        });
        started.await.unwrap();
        Self(Some(runtime))
    }

    /// Starts a worker with this probe.
    pub(crate) async fn with(database: &TestDatabase, probe: &Probe) -> Self {
        let (url, probe) = (database.url.clone(), probe.clone());
        Self::start(move || async move {
            let queue = TestDatabase::queue_at(&url).await;
            queue.register_handler(probe);
            queue
        })
        .await
    }

    /// Ends it without a statement to the database.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        self.end();
    }
}
