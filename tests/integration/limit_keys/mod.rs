//! Limits that hold for each key.

mod acts;
mod costs;
mod dropped;
mod handed_over;
mod isolation;
mod operators;
mod rates;
mod sequences;
mod shares;
mod stress;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use simple_queue::{OnConflict, WorkerHandle, prelude::*};
use tokio::sync::Semaphore;

use crate::support::{Mortal, STOP, TestDatabase, eventually};

/// What the jobs of a test see and do.
#[derive(Debug, Clone, JobState)]
struct Watch {
    seen: Arc<Mutex<Seen>>,
    /// A run takes one permit before it ends; none by default.
    gate: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Seen {
    running: HashMap<i64, usize>,
    most_at_once: usize,
    /// Key and number of each run, in the order of their begins.
    begun: Vec<(i64, i64)>,
    /// How often the run of a number is still to fail.
    failures: HashMap<i64, usize>,
}

impl Watch {
    /// Runs end at once.
    fn open() -> Self {
        Self::with(Semaphore::MAX_PERMITS)
    }

    /// Runs wait for the test.
    fn closed() -> Self {
        Self::with(0)
    }

    fn with(permits: usize) -> Self {
        Self { seen: Arc::default(), gate: Arc::new(Semaphore::new(permits)) }
    }

    fn seen<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn fail(&self, number: i64, times: usize) {
        self.seen(|seen| seen.failures.insert(number, times));
    }

    fn begun(&self) -> Vec<(i64, i64)> {
        self.seen(|seen| seen.begun.clone())
    }

    fn running(&self) -> usize {
        self.seen(|seen| seen.running.values().sum())
    }

    async fn run(&self, key: i64, number: i64) -> Result<(), BoxDynError> {
        self.seen(|seen| {
            let running = seen.running.entry(key).or_default();
            *running += 1;
            seen.most_at_once = std::cmp::max(seen.most_at_once, *running);
            seen.begun.push((key, number));
        });
        let ended = Ended(self, key);
        self.gate.acquire().await?.forget();
        tokio::task::yield_now().await;
        drop(ended);
        let fails = self.seen(|seen| match seen.failures.get_mut(&number) {
            Some(times) if *times > 0 => {
                *times -= 1;
                true
            }
            _ => false,
        });
        if fails { Err("it is told to fail".into()) } else { Ok(()) }
    }
}

struct Ended<'w>(&'w Watch, i64);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.seen(|seen| *seen.running.entry(self.1).or_default() -= 1);
    }
}

#[job(queue = "keys", retries = 2, backoff = "none", concurrency(limit = 2, key = "{key}"))]
async fn two_at_once(watch: &Watch, key: i64, number: i64) -> Result<(), BoxDynError> {
    watch.run(key, number).await
}

#[job(queue = "sequences", retries = 2, backoff = fixed("50ms"), order(key = "{key}"))]
async fn in_order(watch: &Watch, key: i64, number: i64) -> Result<(), BoxDynError> {
    watch.run(key, number).await
}

const TWO: &str = "key:keys/two_at_once";
const ORDER: &str = "order:sequences/in_order";

impl TestDatabase {
    /// Whether no job, gate or turn is left.
    async fn is_settled(&self) -> bool {
        self.count("jobs").await + self.count("gates").await + self.count("turns").await == 0
    }

    /// Gates whose counter differs from what runs and what was released.
    pub(crate) async fn miscounted(&self) -> i64 {
        self.count(
            "gates g where g.running <>
                (select count(*) from simple_queue.jobs j where j.gate = g.gate and j.worker_id is not null)
                + coalesce((select sum(t.released) from simple_queue.turns t where t.gate = g.gate), 0)",
        )
        .await
    }
}

async fn start(database: &TestDatabase, watch: &Watch) -> (SimpleQueue, WorkerHandle) {
    let queue = database.queue().await;
    queue.register(jobs![TwoAtOnce, InOrder], watch.clone()).unwrap();
    let worker = queue.start().await;
    (queue, worker)
}

async fn start_many(
    database: &TestDatabase,
    watch: &Watch,
    workers: usize,
) -> Vec<(SimpleQueue, WorkerHandle)> {
    let mut started = Vec::new();
    for _ in 0..workers {
        started.push(start(database, watch).await);
    }
    started
}

async fn stop(workers: Vec<(SimpleQueue, WorkerHandle)>) {
    for (_, worker) in workers {
        worker.shutdown(STOP).await;
    }
}

#[tokio::test]
async fn no_more_jobs_of_a_key_run_at_once_than_its_limit_allows() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::open();
    let workers = start_many(&database, &watch, 3).await;
    for number in 0..20 {
        let jobs = (0..20).map(|key| TwoAtOnce::new(key, number));
        TwoAtOnce::enqueue_all(jobs, &workers[0].0).await.unwrap();
        assert_eq!(database.miscounted().await, 0);
    }
    eventually("all are done", async || database.is_settled().await).await;
    assert_eq!(watch.begun().len(), 400);
    assert!(watch.seen(|seen| seen.most_at_once) <= 2);
    stop(workers).await;
}

#[tokio::test]
async fn a_full_key_does_not_hold_up_others() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::closed();
    let (queue, worker) = start(&database, &watch).await;
    TwoAtOnce::enqueue_all((0..50).map(|number| TwoAtOnce::new(1, number)), &queue).await.unwrap();
    TwoAtOnce::enqueue_all((0..4).map(|key| TwoAtOnce::new(key, 100)), &queue).await.unwrap();
    eventually("two of each key run", async || watch.running() == 5).await;
    assert_eq!(database.miscounted().await, 0);
    watch.gate.add_permits(100);
    eventually("all are done", async || database.is_settled().await).await;
    assert_eq!(watch.seen(|seen| seen.most_at_once), 2);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_of_a_key_that_is_delayed_runs_when_it_is_due() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::open();
    let (queue, worker) = start(&database, &watch).await;
    let delay = Duration::from_millis(300);
    let delayed = TwoAtOnce::new(1, 1).delay(delay).enqueue(&queue).await.unwrap();
    queue.wait(delayed.id(), STOP).await.unwrap();
    let waited = "select extract(epoch from finished_at - created_at)::double precision from simple_queue.archive";
    let waited: f64 = database.value(waited).await;
    // A worker that did not know of its turn would find the job at its next look, after 30 s.
    assert!((0.3..5.0).contains(&waited), "{waited}");
    eventually("nothing is left", async || database.is_settled().await).await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn the_places_of_a_process_that_died_are_free_when_its_jobs_are_returned() {
    let database = TestDatabase::migrated().await;
    let (doomed, watch) = (Watch::closed(), Watch::open());
    let (url, state) = (database.url.clone(), doomed.clone());
    let mortal = Mortal::start(move || async move {
        let queue = TestDatabase::queue_at(&url).await;
        queue.register(jobs![TwoAtOnce, InOrder], state).unwrap();
        queue
    })
    .await;
    let queue = database.queue().await;
    for number in 0..4 {
        TwoAtOnce::new(1, number).enqueue(&queue).await.unwrap();
        InOrder::new(1, number).enqueue(&queue).await.unwrap();
    }
    eventually("it runs what it may", async || doomed.running() == 3).await;
    mortal.kill();
    let workers = start_many(&database, &watch, 2).await;
    eventually("all are done", async || database.is_settled().await).await;
    assert_eq!(watch.begun().len(), 8);
    assert!(watch.seen(|seen| seen.most_at_once) <= 3);
    let order = "select array_agg(job_data->>'number' order by finished_at, id) from simple_queue.archive where kind = 'in_order'";
    assert_eq!(database.value::<Vec<String>>(order).await, ["0", "1", "2", "3"]);
    stop(workers).await;
}

#[job(queue = "keys", concurrency(limit = 1, key = "{key}"))]
async fn in_transaction(
    watch: &Watch,
    tx: &mut JobTx,
    key: i64,
    number: i64,
) -> Result<(), BoxDynError> {
    sqlx::query("select 1").execute(&mut **tx).await?;
    watch.run(key, number).await
}

#[tokio::test]
async fn a_job_that_ends_in_its_own_transaction_frees_its_place_there() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::open();
    let queue = database.queue().await;
    queue.register(jobs![InTransaction], watch.clone()).unwrap();
    let worker = queue.start().await;
    InTransaction::enqueue_all(
        (0..30).map(|number| InTransaction::new(number % 3, number)),
        &queue,
    )
    .await
    .unwrap();
    eventually("all are done", async || database.is_settled().await).await;
    assert_eq!(watch.seen(|seen| seen.most_at_once), 1);
    assert_eq!(watch.begun().len(), 30);
    worker.shutdown(STOP).await;
}

#[job(queue = "keys", unique = "{number}", concurrency(limit = 1, key = "{key}"))]
async fn once(watch: &Watch, key: i64, number: i64) -> Result<(), BoxDynError> {
    watch.run(key, number).await
}

#[tokio::test]
async fn a_job_that_is_replaced_waits_under_its_new_key() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::closed();
    let queue = database.queue().await;
    queue.register(jobs![Once], watch.clone()).unwrap();
    let worker = queue.start().await;
    Once::new(1, 1).enqueue(&queue).await.unwrap();
    eventually("the key is full", async || watch.running() == 1).await;
    Once::new(1, 2).enqueue(&queue).await.unwrap();
    let replaced = Once::new(2, 2).on_conflict(OnConflict::Replace).enqueue(&queue).await.unwrap();
    assert!(!replaced.is_new());
    eventually("it runs under the other key", async || watch.begun() == [(1, 1), (2, 2)]).await;
    watch.gate.add_permits(2);
    eventually("nothing is left", async || database.is_settled().await).await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_limit_for_each_key_and_one_for_all_hold_together() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::closed();
    let mut workers = Vec::new();
    for _ in 0..2 {
        let pool = database.queue().await.pool().clone();
        let queue = SimpleQueue::builder(pool).queue_limit("keys", 3).build().unwrap();
        queue.register(jobs![TwoAtOnce], watch.clone()).unwrap();
        let worker = queue.start().await;
        workers.push((queue, worker));
    }
    let jobs = (0..24).map(|number| TwoAtOnce::new(number % 6, number));
    TwoAtOnce::enqueue_all(jobs, &workers[0].0).await.unwrap();
    eventually("the queue is full", async || watch.running() == 3).await;
    for _ in 0..24 {
        watch.gate.add_permits(1);
        eventually("no more than three run", async || watch.running() <= 3).await;
    }
    eventually("all are done", async || database.is_settled().await).await;
    assert_eq!(watch.begun().len(), 24);
    stop(workers).await;
}
