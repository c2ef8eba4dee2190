//! Rates that hold for each key.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use simple_queue::{
    Error, JobError, LimitError, Rate, WorkerHandle,
    prelude::*,
    sync::{JobStrategy, Permit, PermitFuture},
};

use crate::{
    rates::Starts,
    support::{STOP, TestDatabase, eventually},
};

/// The starts of three keys.
#[derive(Debug, Clone, Default, JobState)]
struct Keys([Starts; 3]);

impl Keys {
    fn add(&self, key: usize) {
        self.0[key].add();
    }

    fn count(&self, key: usize) -> usize {
        self.0[key].count()
    }
}

#[job(queue = "rated", rate(limit = 20, per = "1s", burst = 3, key = "{key}"))]
async fn call(keys: &Keys, key: usize) {
    keys.add(key);
}

#[job(queue = "hourly", rate(limit = 1, per = "1h", key = "{key}"))]
async fn hourly(keys: &Keys, key: usize) {
    keys.add(key);
}

const CALL: &str = "key:rated/call";
const HOURLY: &str = "key:hourly/hourly";

async fn start(database: &TestDatabase, keys: &Keys) -> (SimpleQueue, WorkerHandle) {
    let queue = database.queue().await;
    queue.register(jobs![Call, Hourly], keys.clone()).unwrap();
    let worker = queue.start().await;
    (queue, worker)
}

async fn stop(workers: Vec<(SimpleQueue, WorkerHandle)>) {
    for (_, worker) in workers {
        worker.shutdown(STOP).await;
    }
}

#[tokio::test]
async fn no_period_has_more_starts_of_a_key_than_its_rate_allows_and_keys_do_not_share_it() {
    let database = TestDatabase::migrated().await;
    let keys = Keys::default();
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(start(&database, &keys).await);
    }
    for key in [0, 1] {
        Call::enqueue_all((0..100).map(|_| Call::new(key)), &workers[0].0).await.unwrap();
    }
    eventually("it has begun", async || keys.count(0) > 0).await;
    Call::enqueue_all((0..3).map(|_| Call::new(2)), &workers[1].0).await.unwrap();
    eventually("a key of few jobs does not wait for the others", async || keys.count(2) == 3).await;
    assert!(keys.count(0) < 100 && keys.count(1) < 100);
    assert_eq!(database.miscounted().await, 0);
    eventually("all are done", async || database.count("jobs").await == 0).await;
    for key in 0..3 {
        let most = keys.0[key].most_in(Duration::from_secs(1));
        assert!(most <= 20, "{most} of key {key} in a second");
    }
    let all = keys.0[0].all();
    let share = 97.0 / 20.0 / (all[99] - all[0]).as_secs_f64();
    let slow = "select count(*) from simple_queue.gates where start_within is not null";
    let slow: i64 = database.value(slow).await;
    println!("{share:.3} of what is allowed; slow: {slow}");
    // On a busy machine jobs get more time to start, which the rate pays for.
    assert!(share >= if slow > 0 { 0.3 } else { 0.75 }, "{share} of what is allowed is used");
    stop(workers).await;
}

#[tokio::test]
async fn jobs_that_wait_for_the_rate_of_one_key_cost_a_process_nothing() {
    let database = TestDatabase::migrated().await;
    let keys = Keys::default();
    let fill = database.job().queue("hourly").kind("hourly");
    let fill = fill.set("gate", "'key:hourly/hourly#1'").set("job_data", r#"'{"key": 1}'"#);
    database.fill_jobs(async || fill.insert_many(200_000).await).await;
    let turn =
        format!("insert into simple_queue.turns (rule, gate) values ('{HOURLY}', '{HOURLY}#1')");
    database.execute(&turn).await;
    database.execute("vacuum analyze simple_queue.jobs").await;
    // With the heartbeat of a process at work.
    let queue = SimpleQueue::builder(database.queue().await.pool()).build().unwrap();
    queue.register(jobs![Hourly], keys.clone()).unwrap();
    let worker = queue.start().await;
    eventually("one has started", async || keys.count(1) == 1).await;
    // A session reports what it did at most once a second.
    let sent = async || -> (i64, i64) {
        let statements =
            "select xact_commit from pg_stat_database where datname = current_database()";
        let rows = "select coalesce(idx_tup_fetch, 0) + seq_tup_read from pg_stat_user_tables
            where schemaname = 'simple_queue' and relname = 'jobs'";
        (database.value(statements).await, database.value(rows).await)
    };
    let last = std::cell::Cell::new((sent().await, Instant::now()));
    let is_quiet = async || {
        let (before, since) = last.get();
        if since.elapsed() < Duration::from_secs(5) {
            return false;
        }
        let now = sent().await;
        last.set((now, Instant::now()));
        let (statements, rows) = (now.0 - before.0, now.1 - before.1);
        println!("{statements} statements and {rows} rows in {:?}", since.elapsed());
        statements <= 10 && rows <= 1000
    };
    eventually("it sends at most two statements a second, those of the test among them", is_quiet)
        .await;
    assert_eq!(keys.count(1), 1);
    Hourly::new(2).enqueue(&queue).await.unwrap();
    eventually("another key has its own", async || keys.count(2) == 1).await;
    worker.shutdown(STOP).await;
}

#[job(queue = "held", rate(limit = 1000, per = "1s", key = "{key}"))]
async fn refused(keys: &Keys, key: usize, context: &JobContext) -> Result<(), BoxDynError> {
    assert_eq!(context.attempt(), 1, "it uses no attempt");
    keys.add(key);
    if key == 0 && keys.count(0) == 1 {
        return Err(JobError::rate_limited(Duration::from_secs(2)).into());
    }
    Ok(())
}

#[tokio::test]
async fn a_job_that_is_rate_limited_holds_the_jobs_of_its_key_in_all_processes() {
    let database = TestDatabase::migrated().await;
    let keys = Keys::default();
    let mut workers = Vec::new();
    for _ in 0..2 {
        let queue = database.queue().await;
        queue.register(jobs![Refused], keys.clone()).unwrap();
        let worker = queue.start().await;
        workers.push((queue, worker));
    }
    Refused::new(0).enqueue(&workers[0].0).await.unwrap();
    eventually("it is put off", async || {
        database.count("jobs where worker_id is null and run_at > now()").await == 1
    })
    .await;
    for key in [0, 1] {
        Refused::enqueue_all((0..20).map(|_| Refused::new(key)), &workers[1].0).await.unwrap();
    }
    eventually("the other key goes on", async || keys.count(1) == 20).await;
    assert_eq!(keys.count(0), 1);
    let listed = workers[0].0.limits().keys("key:held/refused", None, 10).await.unwrap();
    let rate = listed.iter().find(|key| key.key == "0").unwrap().rate.clone().unwrap();
    assert_eq!((rate.tokens, rate.declared), (0, Rate::per_second(1000)));
    eventually("all are done", async || database.count("jobs").await == 0).await;
    let all = keys.0[0].all();
    assert!(all[1] - all[0] > Duration::from_millis(1900), "{:?}", all[1] - all[0]);
    assert_eq!((all.len(), database.count("dead_letters").await), (22, 0));
    stop(workers).await;
}

#[job(queue = "booked", rate(limit = 10, per = "1s", burst = 1, key = "{key}"))]
async fn booked(keys: &Keys, key: usize, context: &JobContext) -> Result<(), BoxDynError> {
    keys.add(key);
    if keys.count(key) == 1 {
        context.charge(15).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_job_books_further_calls_on_its_key() {
    let database = TestDatabase::migrated().await;
    let (queue, keys) = (database.queue().await, Keys::default());
    queue.register(jobs![Booked], keys.clone()).unwrap();
    let worker = queue.start().await;
    Booked::new(0).enqueue(&queue).await.unwrap();
    eventually("it is done", async || database.count("archive").await == 1).await;
    queue.limits().charge_key("key:booked/booked", "2", 15).await.unwrap();
    for key in 0..3 {
        Booked::new(key).enqueue(&queue).await.unwrap();
    }
    let begun = Instant::now();
    eventually("all are done", async || database.count("archive").await == 4).await;
    let second = keys.0[0].all()[1] - keys.0[0].all()[0];
    assert!(second > Duration::from_millis(1500), "{second:?}");
    let charged = keys.0[2].all()[0] - begun;
    assert!(charged > Duration::from_secs(1), "{charged:?}");
    assert!(keys.0[1].all()[0] - begun < charged, "the key between them does not wait");
    let none = queue.limits().charge_key("key:booked/none", "1", 1).await.unwrap_err();
    assert!(matches!(none, Error::Limit(LimitError::Unknown { .. })), "{none}");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn an_operator_changes_the_rate_of_a_key_and_of_all_on_all_machines_at_once() {
    let database = TestDatabase::migrated().await;
    let keys = Keys::default();
    let (queue, worker) = start(&database, &keys).await;
    for key in [0, 1] {
        Hourly::enqueue_all((0..200).map(|_| Hourly::new(key)), &queue).await.unwrap();
    }
    eventually("one of each has started", async || keys.count(0) + keys.count(1) == 2).await;
    let limits = queue.limits();
    let in_an_hour = "gates where tat > now() + interval '59 min'";
    assert_eq!(database.count(in_an_hour).await, 2);
    // What is owed is an hour at the old rate, and 20 ms at the new one.
    limits.set_key_rate(HOURLY, "0", Rate::per_second(50)).await.unwrap();
    eventually("others of the key start", async || keys.count(0) >= 10).await;
    assert_eq!(keys.count(1), 1);
    limits.pause_key(HOURLY, "0").await.unwrap();
    let listed = limits.keys(HOURLY, None, 10).await.unwrap();
    let rate = listed[0].rate.clone().unwrap();
    assert_eq!((rate.declared, rate.set_to), (Rate::per_hour(1), Some(Rate::per_second(50))));
    assert!(listed[0].paused_at.is_some() && listed[0].declared.is_none());
    assert_eq!(listed[1].rate.as_ref().unwrap().set_to, None);
    limits.set_rate(HOURLY, Rate::per_second(40)).await.unwrap();
    eventually("others of the other key start", async || keys.count(1) >= 10).await;
    limits.resume_key(HOURLY, "0").await.unwrap();
    eventually("all of the key are done", async || keys.count(0) == 200).await;
    limits.reset_key(HOURLY, "0").await.unwrap();
    limits.reset(HOURLY).await.unwrap();
    let limit = limits.find(HOURLY).await.unwrap().unwrap();
    assert_eq!((limit.rate.unwrap().set_to, limit.declared), (None, None));
    for (name, error) in [
        (HOURLY, limits.set_key(HOURLY, "0", 5).await.unwrap_err()),
        (CALL, limits.set(CALL, 5).await.unwrap_err()),
    ] {
        assert!(matches!(error, Error::Limit(LimitError::Unknown { .. })), "{name}: {error}");
    }
    worker.shutdown(STOP).await;
}

/// What runs at once, and the starts.
#[derive(Debug, Clone, Default, JobState)]
struct Both {
    starts: Starts,
    /// How many run, and the most that did.
    running: Arc<(AtomicUsize, AtomicUsize)>,
    numbers: Arc<std::sync::Mutex<Vec<i64>>>,
}

impl Both {
    async fn run(&self, number: i64) {
        self.starts.add();
        self.numbers.lock().unwrap().push(number);
        let running = self.running.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.running.1.fetch_max(running, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(120)).await;
        self.running.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[job(
    queue = "both",
    concurrency(limit = 2, key = "{key}"),
    rate(limit = 30, per = "1s", burst = 5, key = "{key}")
)]
async fn limited_twice(both: &Both, key: i64, number: i64) {
    let _ = key;
    both.run(number).await;
}

#[job(queue = "both", order(key = "{key}"), rate(limit = 5, per = "1s", burst = 1, key = "{key}"))]
async fn slow_sequence(both: &Both, key: i64, number: i64) {
    let _ = key;
    both.run(number).await;
}

#[job(
    queue = "both",
    concurrency(limit = 2, key = "{key}"),
    rate(limit = 20, per = "1s", burst = 2)
)]
async fn of_keys_and_a_rate(both: &Both, key: i64, number: i64) {
    let _ = key;
    both.run(number).await;
}

async fn start_both(database: &TestDatabase) -> (Both, Vec<(SimpleQueue, WorkerHandle)>) {
    let both = Both::default();
    let mut workers = Vec::new();
    for _ in 0..2 {
        let queue = database.queue().await;
        queue.register(jobs![LimitedTwice, SlowSequence, OfKeysAndARate], both.clone()).unwrap();
        let worker = queue.start().await;
        workers.push((queue, worker));
    }
    (both, workers)
}

#[tokio::test]
async fn a_number_and_a_rate_of_one_key_hold_together() {
    let database = TestDatabase::migrated().await;
    let (both, workers) = start_both(&database).await;
    let jobs = (0..30).map(|number| LimitedTwice::new(7, number));
    LimitedTwice::enqueue_all(jobs, &workers[0].0).await.unwrap();
    eventually("all are done", async || database.count("jobs").await == 0).await;
    assert_eq!(both.running.1.load(Ordering::SeqCst), 2);
    assert!(both.starts.most_in(Duration::from_secs(1)) <= 30);
    assert_eq!(database.miscounted().await, 0);
    stop(workers).await;
}

#[tokio::test]
async fn a_sequence_has_a_rate() {
    let database = TestDatabase::migrated().await;
    let (both, workers) = start_both(&database).await;
    let jobs = (0..8).map(|number| SlowSequence::new(7, number));
    SlowSequence::enqueue_all(jobs, &workers[0].0).await.unwrap();
    eventually("all are done", async || database.count("jobs").await == 0).await;
    assert_eq!(*both.numbers.lock().unwrap(), (0..8).collect::<Vec<_>>());
    assert_eq!(both.running.1.load(Ordering::SeqCst), 1);
    let most = both.starts.most_in(Duration::from_secs(1));
    assert!(most <= 5, "{most}");
    stop(workers).await;
}

#[tokio::test]
async fn a_rate_without_a_key_holds_for_all_keys_together() {
    let database = TestDatabase::migrated().await;
    let (both, workers) = start_both(&database).await;
    let jobs = (0..40).map(|number| OfKeysAndARate::new(number % 8, number));
    OfKeysAndARate::enqueue_all(jobs, &workers[0].0).await.unwrap();
    eventually("all are done", async || database.count("jobs").await == 0).await;
    let most = both.starts.most_in(Duration::from_secs(1));
    assert!(most <= 20, "{most}");
    stop(workers).await;
}

/// Lets each job start on its second try, after the time in which a token counts.
struct Late(AtomicUsize);

impl JobStrategy for Late {
    fn acquire(&self, _job: &Job) -> PermitFuture<'_> {
        Box::pin(async {
            if self.0.fetch_add(1, Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(60)).await;
            }
            Ok(Permit::new(()))
        })
    }
}

#[tokio::test]
async fn a_job_that_starts_late_after_the_token_of_its_key_is_given_back_and_gets_more_time() {
    let database = TestDatabase::migrated().await;
    let keys = Keys::default();
    let pool = database.queue().await.pool().clone();
    let late = Late(AtomicUsize::new(0));
    let queue = SimpleQueue::builder(pool).queue_strategy("rated", late).build().unwrap();
    queue.register(jobs![Call], keys.clone()).unwrap();
    let worker = queue.start().await;
    Call::new(0).enqueue(&queue).await.unwrap();
    eventually("it is done", async || database.count("archive").await == 1).await;
    assert_eq!(database.count("archive where attempt = 1 and lease >= 3").await, 1);
    assert_eq!(keys.count(0), 1);
    assert_eq!(database.count("gates where start_within >= 0.04").await, 1);
    worker.shutdown(STOP).await;
}
