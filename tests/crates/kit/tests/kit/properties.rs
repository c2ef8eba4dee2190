//! What holds for any jobs.

use std::collections::BTreeMap;

use kit::Hopeless;
use simple_queue::{Enqueue, prelude::*, testing::*};
use uuid::Uuid;

/// Random jobs that complete, fail, panic and are cancelled, now and later: each ends exactly once.
#[simple_queue::test]
async fn each_job_of_any_script_ends_once(queue: TestQueue) {
    queue.register(jobs![Hopeless], ()).unwrap();
    let mut random = fastrand::Rng::with_seed(20);
    for _script in 0..8 {
        let jobs: Vec<Enqueue<Hopeless>> = (0..random.usize(1..8))
            .map(|_| {
                let how = ["ok", "always", "panic", "cancel"][random.usize(..4)];
                Hopeless::new(how).delay(mins(random.u64(..90))).retries(random.u16(..3))
            })
            .collect();
        let enqueued = Hopeless::enqueue_all(jobs, &queue).await.unwrap();
        let drained = queue.drain().including_later().await;
        let mut ends: BTreeMap<Uuid, usize> = enqueued.iter().map(|job| (job.id(), 0)).collect();
        for run in drained.runs.iter().filter(|run| run.outcome.status().is_some()) {
            *ends.get_mut(&run.job_id).expect("it is of this script") += 1;
        }
        assert!(ends.values().all(|&ends| ends == 1), "{drained}");
        assert_eq!((drained.left.due, drained.left.later), (0, 0), "{drained}");
    }
}
