//! Kinds with limits and kinds without in one process.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use simple_queue::{WorkerHandle, prelude::*};

use crate::support::{STOP, TestDatabase, eventually};

/// How many jobs without a limit have run, and how many had when each job with one ran.
#[derive(Default, JobState)]
struct Ran {
    plain: AtomicUsize,
    limited: [AtomicUsize; 3],
}

impl Ran {
    fn note(&self, kind: usize) {
        self.limited[kind].store(self.plain.load(Ordering::Acquire), Ordering::Release);
    }
}

#[job(queue = "mixed")]
async fn plain(ran: &Ran) {
    ran.plain.fetch_add(1, Ordering::AcqRel);
}

#[job(queue = "mixed", concurrency = 2)]
async fn here(ran: &Ran) {
    ran.note(0);
}

#[job(queue = "mixed", concurrency(limit = 2))]
async fn shared(ran: &Ran) {
    ran.note(1);
}

#[job(queue = "mixed", concurrency(limit = 1, key = "{key}"))]
async fn keyed(key: u32, ran: &Ran) {
    let _ = key;
    ran.note(2);
}

/// 40,000 jobs, more than run before the others are enqueued and found.
const BACKLOG: usize = 40_000;

/// A queue with a backlog of jobs without a limit, and a worker on it.
struct Mixed {
    database: TestDatabase,
    queue: SimpleQueue,
    ran: Arc<Ran>,
    worker: WorkerHandle,
}

impl Mixed {
    async fn new() -> Self {
        let database = TestDatabase::migrated().await;
        let (queue, ran) = (database.queue().await, Arc::new(Ran::default()));
        queue.register(jobs![Plain, Here, Shared, Keyed], Arc::clone(&ran)).unwrap();
        for _ in 0..BACKLOG / 10_000 {
            Plain::enqueue_all((0..10_000).map(|_| Plain::new()), &queue).await.unwrap();
        }
        let worker = queue.start().await;
        Self { database, queue, ran, worker }
    }

    fn plain_runs(&self) -> usize {
        self.ran.plain.load(Ordering::Acquire)
    }

    async fn ends(&self) {
        eventually("all have run", async || self.plain_runs() == BACKLOG).await;
        eventually("all have ended", async || self.database.count("jobs").await == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_under_limits_start_beside_a_backlog_of_others_and_do_not_wait_for_its_end() {
    let mixed = Mixed::new().await;
    eventually("the backlog is worked on", async || mixed.plain_runs() > 2_000).await;
    Here::new().enqueue(&mixed.queue).await.unwrap();
    Shared::new().enqueue(&mixed.queue).await.unwrap();
    Keyed::new(1).enqueue(&mixed.queue).await.unwrap();
    mixed.ends().await;
    for (name, before) in ["here", "shared", "keyed"].iter().zip(&mixed.ran.limited) {
        let before = before.load(Ordering::Acquire);
        assert!((1..BACKLOG).contains(&before), "{name} ran after {before} of {BACKLOG}");
    }
    mixed.worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kinds_under_limits_that_have_no_jobs_do_not_keep_others_from_being_prefetched() {
    let mixed = Mixed::new().await;
    mixed.ends().await;
    // The completions of a statement have one time.
    let statements: i64 =
        mixed.database.value("select count(distinct finished_at) from simple_queue.archive").await;
    assert!(statements < 800, "{statements} statements for {BACKLOG} jobs");
    mixed.worker.shutdown(STOP).await;
}
