//! What holds for any jobs.

use std::collections::BTreeMap;

use kit::{Hopeless, SendWelcome};
use proptest::{
    collection, prelude::*, sample::select, strategy::ValueTree, test_runner::TestRunner,
};
use simple_queue::{Enqueue, prelude::*, testing::*};
use uuid::Uuid;

proptest! {
    #[test]
    fn a_welcome_comes_back(user_id: i64, text: String) {
        round_trips(&SendWelcome::new(user_id, text));
    }
}

/// Random jobs that complete, fail, panic and are cancelled, now and later: each ends exactly once.
#[simple_queue::test]
async fn each_job_of_any_script_ends_once(queue: TestQueue) {
    queue.register(jobs![Hopeless], ()).unwrap();
    let how = select(vec!["ok", "always", "panic", "cancel"]);
    let scripts = collection::vec((how, 0_u64..90, 0_u16..3), 1..8);
    let mut random = TestRunner::deterministic();
    for _ in 0..8 {
        let script = scripts.new_tree(&mut random).unwrap().current();
        let jobs: Vec<Enqueue<Hopeless>> = script
            .into_iter()
            .map(|(how, minutes, retries)| Hopeless::new(how).delay(mins(minutes)).retries(retries))
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
