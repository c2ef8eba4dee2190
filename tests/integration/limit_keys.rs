//! Limits that hold for each key, and sequences.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use simple_queue::{Error, LimitError, OnConflict, WorkerHandle, prelude::*};
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
    async fn miscounted(&self) -> i64 {
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
async fn the_jobs_of_a_sequence_run_in_order_over_failures() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::open();
    for failing in [3, 7, 12] {
        watch.fail(failing, 2);
    }
    let workers = start_many(&database, &watch, 3).await;
    for number in 0..15 {
        let jobs = (0..4).map(|key| InOrder::new(key, number));
        InOrder::enqueue_all(jobs, &workers[0].0).await.unwrap();
    }
    eventually("all are done", async || database.is_settled().await).await;
    let begun = watch.begun();
    assert_eq!(begun.len(), 60 + 6);
    for key in 0..4 {
        let numbers: Vec<i64> =
            begun.iter().filter(|(of, _)| *of == key).map(|(_, number)| *number).collect();
        assert!(numbers.is_sorted(), "{key}: {numbers:?}");
    }
    assert_eq!(watch.seen(|seen| seen.most_at_once), 1);
    stop(workers).await;
}

#[tokio::test]
async fn a_sequence_halts_at_a_job_that_failed_for_good_until_it_is_redriven_or_skipped() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::open();
    watch.fail(1, 3);
    watch.fail(2, 3);
    let (queue, worker) = start(&database, &watch).await;
    for number in 0..4 {
        InOrder::new(7, number).enqueue(&queue).await.unwrap();
    }
    let halted = async || queue.limits().keys(ORDER, None, 10).await.unwrap().pop();
    eventually("it is halted", async || halted().await.is_some_and(|key| key.halted_by.is_some()))
        .await;
    let key = halted().await.unwrap();
    assert_eq!((key.key.as_str(), key.waiting, key.running), ("7", 2, 0));
    assert_eq!(watch.begun(), [(7, 0), (7, 1), (7, 1), (7, 1)]);
    assert_eq!(database.miscounted().await, 0);
    // Another worker, and a restart, change nothing.
    worker.shutdown(STOP).await;
    let workers = start_many(&database, &watch, 2).await;
    queue.redrive(key.halted_by.unwrap()).await.unwrap();
    eventually("it is halted by the next", async || {
        halted()
            .await
            .is_some_and(|next| next.halted_by.is_some() && next.halted_by != key.halted_by)
    })
    .await;
    assert!(queue.limits().skip(ORDER, "7").await.unwrap());
    assert!(!queue.limits().skip(ORDER, "7").await.unwrap(), "it is skipped once");
    eventually("all are done", async || database.is_settled().await).await;
    let numbers: Vec<i64> = watch.begun().into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers, [0, 1, 1, 1, 1, 2, 2, 2, 3]);
    assert_eq!(database.count("dead_letters").await, 1);
    stop(workers).await;
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
    assert!((0.3..5.0).contains(&waited), "{waited}");
    eventually("nothing is left", async || database.is_settled().await).await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_paused_key_and_a_paused_limit_start_nothing_until_they_are_resumed() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::open();
    let (queue, worker) = start(&database, &watch).await;
    TwoAtOnce::new(1, 0).enqueue(&queue).await.unwrap();
    eventually("the limit is known", async || database.is_settled().await).await;
    let limits = queue.limits();
    limits.pause_key(TWO, "1").await.unwrap();
    TwoAtOnce::new(1, 1).enqueue(&queue).await.unwrap();
    TwoAtOnce::new(2, 2).enqueue(&queue).await.unwrap();
    eventually("the other key runs", async || watch.begun().contains(&(2, 2))).await;
    let keys = limits.keys(TWO, None, 10).await.unwrap();
    let paused = keys.iter().find(|key| key.key == "1").unwrap();
    assert!(paused.paused_at.is_some() && (paused.waiting, paused.running) == (1, 0));
    limits.resume_key(TWO, "1").await.unwrap();
    eventually("the key runs", async || watch.begun().contains(&(1, 1))).await;
    limits.pause(TWO).await.unwrap();
    TwoAtOnce::new(1, 3).enqueue(&queue).await.unwrap();
    let waits = async || database.count("jobs").await == 1 && database.count("turns").await == 0;
    eventually("the visit passes it over", waits).await;
    assert!(!watch.begun().contains(&(1, 3)));
    limits.resume(TWO).await.unwrap();
    eventually("all are done", async || database.is_settled().await).await;
    assert_eq!(watch.begun().len(), 4);
    let unknown = limits.pause_key("key:keys/none", "1").await.unwrap_err();
    assert!(matches!(unknown, Error::Limit(LimitError::Unknown { .. })), "{unknown}");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_number_that_is_set_for_a_key_or_for_all_holds_at_once() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::closed();
    let workers = start_many(&database, &watch, 2).await;
    let queue = &workers[0].0;
    for key in [1, 2] {
        let jobs = (0..8).map(|number| TwoAtOnce::new(key, number));
        TwoAtOnce::enqueue_all(jobs, queue).await.unwrap();
    }
    eventually("both keys are full", async || watch.running() == 4).await;
    queue.limits().set_key(TWO, "1", 5).await.unwrap();
    eventually("one runs more", async || watch.running() == 7).await;
    queue.limits().set(TWO, 3).await.unwrap();
    eventually("the other does too", async || watch.running() == 8).await;
    queue.limits().reset(TWO).await.unwrap();
    queue.limits().reset_key(TWO, "1").await.unwrap();
    watch.gate.add_permits(5);
    eventually("the runs end", async || watch.running() < 8).await;
    assert_eq!(database.miscounted().await, 0);
    watch.gate.add_permits(100);
    eventually("all are done", async || database.is_settled().await).await;
    assert_eq!(watch.seen(|seen| seen.most_at_once), 5);
    let error = queue.limits().set_key(ORDER, "1", 2).await.unwrap_err();
    assert!(error.to_string().contains("one after another"), "{error}");
    stop(workers).await;
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

#[tokio::test]
async fn a_cancelled_job_frees_its_place_once() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::closed();
    let (queue, worker) = start(&database, &watch).await;
    let mut ids = Vec::new();
    for number in 0..4 {
        ids.push(InOrder::new(1, number).enqueue(&queue).await.unwrap().id());
    }
    eventually("the first runs", async || watch.running() == 1).await;
    assert!(queue.cancel(ids[1]).await.unwrap(), "it waits");
    assert!(queue.cancel(ids[0]).await.unwrap(), "it runs");
    eventually("the third runs", async || watch.begun() == [(1, 0), (1, 2)]).await;
    assert_eq!(database.miscounted().await, 0);
    // One that waits for its retry has a place, which is free when it is cancelled.
    database.execute("update simple_queue.jobs set max_attempts = 100").await;
    watch.fail(2, 1);
    watch.gate.add_permits(1);
    let waits = "turns where job_id is not null and due_at > now()";
    eventually("it waits for its retry, or runs again", async || {
        database.count(waits).await == 1 || watch.begun().len() == 3
    })
    .await;
    queue.cancel(ids[2]).await.unwrap();
    eventually("the last one runs", async || watch.begun().last() == Some(&(1, 3))).await;
    assert_eq!(database.miscounted().await, 0);
    watch.gate.add_permits(100);
    eventually("nothing is left", async || database.is_settled().await).await;
    worker.shutdown(STOP).await;
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

#[tokio::test]
async fn the_functions_in_the_database_enqueue_jobs_with_keys_and_refuse_those_without() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::open();
    let (queue, worker) = start(&database, &watch).await;
    TwoAtOnce::new(1, 0).enqueue(&queue).await.unwrap();
    InOrder::new(1, 0).enqueue(&queue).await.unwrap();
    eventually("the limits are known", async || database.is_settled().await).await;
    let call = |kind: &str, more: &str| {
        let (queue, name) = kind.split_once('/').unwrap();
        let data = r#"{"key": 7, "number": 70}"#;
        format!("select outcome from simple_queue.enqueue('{queue}', '{name}', '{data}'{more})")
    };
    let outcome: String = database.value(&call("keys/two_at_once", ", limit_key => '7'")).await;
    assert_eq!(outcome, "inserted");
    eventually("it runs", async || watch.begun().contains(&(7, 70))).await;
    for (kind, more, problem) in [
        ("keys/two_at_once", "", "the kind \"two_at_once\" has a limit for each key"),
        (
            "keys/other",
            ", limit_key => '7'",
            "no worker has declared a limit for each key of the kind \"other\"",
        ),
        (
            "sequences/in_order",
            ", limit_key => '7', priority => 3",
            "the jobs of its key run in order",
        ),
        (
            "sequences/in_order",
            ", limit_key => '7', expires_at => now()",
            "the jobs of its key run in order",
        ),
    ] {
        let refused =
            sqlx::query(sqlx::AssertSqlSafe(call(kind, more))).execute(&database.pool).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(problem), "{refused}");
    }
    eventually("nothing is left", async || database.is_settled().await).await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_of_a_sequence_with_an_option_that_would_move_it_is_refused() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let job = || InOrder::new(1, 1);
    for (refused, option) in [
        (job().priority(3), "priority"),
        (job().expires(STOP), "expires"),
        (job().unique_key("a").on_conflict(OnConflict::Replace), "on_conflict"),
    ] {
        let error = refused.enqueue(&queue).await.unwrap_err();
        assert!(
            matches!(&error, Error::InvalidOption { option: named, .. } if *named == option),
            "{error}"
        );
    }
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
