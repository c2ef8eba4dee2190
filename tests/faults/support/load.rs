//! Jobs that are enqueued during a case.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use simple_queue::prelude::*;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{CountEffect, CountRun};

/// Tasks that enqueue until they are told to stop. A job whose enqueueing failed is not repeated: it may
/// be there or not, but never twice.
pub(crate) struct Load {
    stop: CancellationToken,
    tasks: JoinSet<(Vec<(Uuid, i64)>, usize)>,
}

/// The jobs of a load.
pub(crate) struct Enqueued {
    pub(crate) acknowledged: Vec<(Uuid, i64)>,
    pub(crate) refused: usize,
}

/// 10 ms between two jobs of one task, so that the backlog stays small on a slow machine.
const PACE: Duration = Duration::from_millis(10);

/// The number of the next job of all loads, which tells a job that became two from two jobs.
static NEXT: AtomicI64 = AtomicI64::new(0);

impl Load {
    /// Begins to enqueue on this queue with this many tasks.
    pub(crate) fn start(queue: &SimpleQueue, tasks: usize) -> Self {
        let stop = CancellationToken::new();
        let enqueueing = (0..tasks).map(|_| enqueue(queue.clone(), stop.clone()));
        Self { tasks: enqueueing.collect(), stop }
    }

    pub(crate) async fn stop(self) -> Enqueued {
        self.stop.cancel();
        let (mut acknowledged, mut refused) = (Vec::new(), 0);
        for (enqueued, failed) in self.tasks.join_all().await {
            acknowledged.extend(enqueued);
            refused += failed;
        }
        assert!(!acknowledged.is_empty(), "nothing could be enqueued");
        println!("{} jobs were enqueued, {refused} could not be", acknowledged.len());
        Enqueued { acknowledged, refused }
    }
}

async fn enqueue(queue: SimpleQueue, stop: CancellationToken) -> (Vec<(Uuid, i64)>, usize) {
    let (mut acknowledged, mut refused) = (Vec::new(), 0);
    while stop.run_until_cancelled(tokio::time::sleep(PACE)).await.is_some() {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let enqueued = match number % 2 {
            0 => CountRun::new(number, 5_u64).enqueue(&queue).await.map(|enqueued| enqueued.id()),
            _ => CountEffect::new(number).enqueue(&queue).await.map(|enqueued| enqueued.id()),
        };
        match enqueued {
            Ok(job_id) => acknowledged.push((job_id, number)),
            Err(error) => {
                assert!(error.is_transient(), "{error}");
                refused += 1;
            }
        }
    }
    (acknowledged, refused)
}
