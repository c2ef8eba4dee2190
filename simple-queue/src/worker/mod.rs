//! One process at work: the stages between a row and its outcome, each a role of its own.
//!
//! [`poller`] fetches into [`permit`]s, [`executor`] runs [`handler`]s, [`heartbeat`] vouches for
//! them; what they come to goes to [`crate::finalize`].

mod config;
mod context;
mod control;
mod database;
mod executor;
mod floor;
mod handle;
pub(crate) mod handler;
mod heartbeat;
pub(crate) mod job_list;
mod listener;
pub(crate) mod permit;
mod plain;
mod poller;
mod queue;
mod registry;
mod running;
mod suspect;
mod transaction;
mod unserved;
#[cfg(feature = "wait-for-job")]
mod wait;

pub use context::JobContext;
pub use control::{DeadLetters, Redriven};
#[cfg(feature = "janitor")]
pub use handle::start_with_janitor;
pub use handle::{WorkerHandle, start, start_without_janitor};
pub use handler::{Handler, JobHandler, Typed, TypedHandler};
pub use job_list::{JobList, JobSet};
pub use plain::Ended;
pub use queue::SimpleQueue;
pub use transaction::JobTx;

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    finalize::FinishedRun,
    store::{Dedicated, Store},
};
use permit::Permits;
use running::Running;
use suspect::Suspects;

/// What the roles of one process share.
pub(crate) struct Worker {
    queue: SimpleQueue,
    store: Store,
    /// New at every start, and again after the process was declared dead.
    id: RwLock<Uuid>,
    permits: Permits,
    running: Arc<Running>,
    suspects: Suspects,
    /// The runs of jobs, so that a stop can wait for them.
    tasks: TaskTracker,
    /// Where runs that are over go; none any more once the worker has stopped.
    finished: RwLock<Option<mpsc::UnboundedSender<FinishedRun>>>,
    /// Notifications are heard, so sleep may be long.
    listening: AtomicBool,
    /// No heartbeat reached the database for so long that nothing may be claimed.
    silent: AtomicBool,
    /// A claim without an answer may have taken jobs that nobody here knows of.
    may_hold_more: AtomicBool,
    /// Nothing new is fetched from here on.
    stopping: CancellationToken,
    /// Everything is written; the last roles end.
    stopped: CancellationToken,
}

impl Worker {
    fn new(
        queue: SimpleQueue,
        running: Arc<Running>,
        finished: mpsc::UnboundedSender<FinishedRun>,
    ) -> Self {
        let store = queue.store().clone();
        let connection = Dedicated::new(queue.servers());
        Self {
            permits: Permits::new(&queue.config()),
            suspects: Suspects::new(store.clone(), connection),
            queue,
            store,
            id: RwLock::new(Uuid::now_v7()),
            running,
            tasks: TaskTracker::new(),
            finished: RwLock::new(Some(finished)),
            listening: AtomicBool::new(false),
            silent: AtomicBool::new(false),
            may_hold_more: AtomicBool::new(false),
            stopping: CancellationToken::new(),
            stopped: CancellationToken::new(),
        }
    }

    fn id(&self) -> Uuid {
        *self.id.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_new_id(&self) {
        *self.id.write().unwrap_or_else(PoisonError::into_inner) = Uuid::now_v7();
    }

    /// Hands a run that is over to the finalizer, and wakes the poller for the permit it left.
    fn finish(&self, run: FinishedRun) {
        let job_id = run.lease.job_id;
        let finished = self.finished.read().unwrap_or_else(PoisonError::into_inner);
        let sent = finished.as_ref().is_some_and(|finished| finished.send(run).is_ok());
        if !sent {
            tracing::warn!(%job_id, "this worker has stopped and could not write the end of a job; others will return it");
        }
        self.queue.wake().wake_local();
    }

    /// Ends without a stop: nothing more is claimed, what runs is let go of, and the heartbeat ends. The
    /// process's row stays, for those who return its jobs.
    fn give_up(&self) {
        self.may_hold_more.store(true, Ordering::Release);
        self.stopping.cancel();
        self.running.abandon_all();
        self.stopped.cancel();
    }

    /// Whether no row can be left in this process's name.
    fn holds_nothing(&self) -> bool {
        self.running.is_empty() && !self.may_hold_more.load(Ordering::Acquire)
    }
}
