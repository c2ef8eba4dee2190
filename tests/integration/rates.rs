//! Rates that hold for all processes together.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crate::support::{Probe, STOP, Say, TestDatabase, eventually};
use simple_queue::{
    Error, JobError, JobOptions, Limit, LimitError, Rate, WorkerHandle,
    prelude::*,
    sync::{JobStrategy, Permit, PermitFuture},
};

/// The moments at which jobs started.
#[derive(Debug, Clone, Default, JobState)]
pub(crate) struct Starts(Arc<Mutex<Vec<Instant>>>);

impl Starts {
    pub(crate) fn add(&self) {
        self.0.lock().unwrap().push(Instant::now());
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn all(&self) -> Vec<Instant> {
        let mut all = self.0.lock().unwrap().clone();
        all.sort_unstable();
        all
    }

    /// The most starts in a half-open period of this length, wherever it begins.
    pub(crate) fn most_in(&self, period: Duration) -> usize {
        let all = self.all();
        let within = |(first, start): (usize, &Instant)| {
            all[first..].iter().take_while(|other| **other - *start < period).count()
        };
        all.iter().enumerate().map(within).max().unwrap_or_default()
    }
}

/// A handler of the queue of this name, which records when its jobs start.
macro_rules! timed {
    ($name:ident on $queue:literal, $options:expr) => {
        struct $name(Starts);

        impl Handler for $name {
            const QUEUE: &'static str = $queue;
            const OPTIONS: JobOptions = $options;

            async fn process(
                &self,
                _queue: &SimpleQueue,
                _job: &Job,
            ) -> Result<JobResult, BoxDynError> {
                self.0.add();
                Ok(JobResult::Success)
            }
        }
    };
}

/// A rate of which 93 % can be used.
const HUNDRED: Rate = Rate::per_second(100).burst(6);
const SLOW: Rate = Rate::new(2, Duration::from_secs(2)).burst(1);
const SHARED: Limit = Limit::named("shared").rate(Rate::per_second(40).burst(3)).concurrency(2);

timed!(Fast on "fast", JobOptions::new().rate(HUNDRED));
timed!(Slow on "slow", JobOptions::new().rate(SLOW));
timed!(Hourly on "hourly", JobOptions::new().rate(Rate::per_hour(1)));
timed!(Left on "left", JobOptions::new().limits(&[SHARED]));
timed!(Right on "right", JobOptions::new().limits(&[SHARED]));
timed!(Plain on "plain", JobOptions::new());
timed!(Queued on "queued", JobOptions::new());

async fn start(database: &TestDatabase, handler: impl Handler) -> (SimpleQueue, WorkerHandle) {
    let queue = database.queue().await;
    queue.register_handler(handler);
    let worker = queue.start().await;
    (queue, worker)
}

async fn stop(workers: Vec<(SimpleQueue, WorkerHandle)>) {
    for (_, worker) in workers {
        worker.shutdown(STOP).await;
    }
}

fn jobs(queue: &str, count: usize) -> Vec<Job> {
    (0..count).map(|_| Job::new(queue, Say::Success)).collect()
}

#[tokio::test]
async fn no_period_of_any_position_has_more_starts_than_a_rate_allows() {
    let database = TestDatabase::migrated().await;
    let starts = Starts::default();
    let mut workers = Vec::new();
    for _ in 0..4 {
        workers.push(start(&database, Fast(starts.clone())).await);
    }
    let seconds = 10;
    workers[0].0.insert_jobs(jobs("fast", 100 * seconds)).await.unwrap();
    eventually("it has begun", async || starts.count() > 0).await;
    let begun = starts.all()[0];
    eventually("most are done", async || starts.count() >= 90 * seconds).await;
    let most = starts.most_in(Duration::from_secs(1));
    assert!(most <= 100, "{most} in a second");
    let took = starts.all()[90 * seconds - 1] - begun;
    let share = 90.0 / 100.0 * 10.0 / took.as_secs_f64();
    let is_slow = "select start_within is not null from simple_queue.limits";
    let is_slow: bool = database.value(is_slow).await;
    println!("at most {most} in a second, {share:.3} of what is allowed; slow: {is_slow}");
    // On a busy machine jobs get more time to start, which the rate pays for.
    let least = if is_slow { 0.3 } else { 0.88 };
    assert!(share >= least, "{share} of what is allowed is used");
    stop(workers).await;
}

#[tokio::test]
async fn a_rate_holds_over_restarts_of_its_workers() {
    let database = TestDatabase::migrated().await;
    let starts = Starts::default();
    database.queue().await.insert_jobs(jobs("slow", 4)).await.unwrap();
    for run in 1..=4 {
        let worker = start(&database, Slow(starts.clone())).await;
        eventually("one more has started", async || starts.count() >= run).await;
        stop(vec![worker]).await;
    }
    let most = starts.most_in(Duration::from_secs(2));
    assert!(most <= 2, "{most} in two seconds");
}

#[tokio::test]
async fn jobs_that_wait_for_a_rate_cost_a_process_nothing() {
    let database = TestDatabase::migrated().await;
    let starts = Starts::default();
    let fill = database.job().queue("hourly");
    database.fill_jobs(async || fill.insert_many(200_000).await).await;
    database.execute("vacuum analyze simple_queue.jobs").await;
    // With the heartbeat of a process at work.
    let queue = SimpleQueue::builder(database.queue().await.pool()).build().unwrap();
    queue.register_handler(Hourly(starts.clone()));
    let worker = queue.start().await;
    eventually("one has started", async || starts.count() == 1).await;
    // A session reports what it did at most once a second.
    let sent = async || -> (i64, i64) {
        let statements =
            "select xact_commit from pg_stat_database where datname = current_database()";
        let rows = "select coalesce(idx_tup_fetch, 0) + seq_tup_read from pg_stat_user_tables
            where schemaname = 'simple_queue' and relname = 'jobs'";
        (database.value(statements).await, database.value(rows).await)
    };
    let last = std::cell::Cell::new((sent().await, Instant::now()));
    eventually(
        "it sends at most two statements a second, those of the test among them",
        async || {
            let (before, since) = last.get();
            if since.elapsed() < Duration::from_secs(5) {
                return false;
            }
            let now = sent().await;
            last.set((now, Instant::now()));
            let (statements, rows) = (now.0 - before.0, now.1 - before.1);
            println!("{statements} statements and {rows} rows in {:?}", since.elapsed());
            statements <= 10 && rows <= 1000
        },
    )
    .await;
    assert_eq!(starts.count(), 1);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn jobs_of_several_queues_share_a_rate_and_a_number_of_one_limit() {
    let database = TestDatabase::migrated().await;
    let starts = Starts::default();
    let workers = vec![
        start(&database, Left(starts.clone())).await,
        start(&database, Right(starts.clone())).await,
    ];
    workers[0].0.insert_jobs(jobs("left", 60)).await.unwrap();
    workers[0].0.insert_jobs(jobs("right", 60)).await.unwrap();
    eventually("all are done", async || database.count("jobs").await == 0).await;
    let most = starts.most_in(Duration::from_secs(1));
    assert!(most <= 40, "{most} in a second");
    let limit = workers[0].0.limits().find("shared").await.unwrap().unwrap();
    assert_eq!(limit.declared, Some(2));
    assert_eq!(limit.rate.unwrap().declared, Rate::per_second(40).burst(3));
    stop(workers).await;
}

#[tokio::test]
async fn a_queue_has_a_rate_and_others_beside_it_do_not_wait() {
    let database = TestDatabase::migrated().await;
    let (limited, others) = (Starts::default(), Starts::default());
    let pool = database.queue().await.pool().clone();
    let queue = SimpleQueue::builder(pool).queue_rate("queued", SLOW).build().unwrap();
    queue.register_handler(Queued(limited.clone()));
    queue.register_handler(Plain(others.clone()));
    let worker = queue.start().await;
    queue.insert_jobs(jobs("queued", 2)).await.unwrap();
    queue.insert_jobs(jobs("plain", 200)).await.unwrap();
    eventually("the others are done", async || others.count() == 200).await;
    eventually("the limited ones are done", async || limited.count() == 2).await;
    let limited = limited.all();
    assert!(limited[1] - limited[0] > Duration::from_millis(950));
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_that_is_rate_limited_holds_the_jobs_of_all_processes() {
    #[job(queue = "held", rate(limit = 1000, per = "1s"))]
    async fn call(starts: &Starts, number: i64, context: &JobContext) -> Result<(), BoxDynError> {
        assert_eq!(context.attempt(), 1, "it uses no attempt");
        if number == 0 && starts.count() == 0 {
            starts.add();
            return Err(JobError::rate_limited(Duration::from_secs(2)).into());
        }
        starts.add();
        Ok(())
    }

    let database = TestDatabase::migrated().await;
    let starts = Starts::default();
    let mut workers = Vec::new();
    for _ in 0..2 {
        let queue = database.queue().await;
        queue.register(jobs![Call], Arc::new(starts.clone())).unwrap();
        let worker = queue.start().await;
        workers.push((queue, worker));
    }
    Call::new(0).enqueue(&workers[0].0).await.unwrap();
    eventually("it is put off", async || {
        database.count("jobs where worker_id is null and run_at > now()").await == 1
    })
    .await;
    Call::enqueue_all((1..=50).map(Call::new), &workers[1].0).await.unwrap();
    let tokens = workers[0].0.limits().find("kind:call").await.unwrap().unwrap().rate.unwrap();
    assert_eq!(tokens.tokens, 0);
    eventually("all are done", async || database.count("jobs").await == 0).await;
    let all = starts.all();
    assert!(all[1] - all[0] > Duration::from_millis(1900), "{:?}", all[1] - all[0]);
    assert_eq!((all.len(), database.count("dead_letters").await), (52, 0));
    stop(workers).await;
}

#[tokio::test]
async fn a_job_books_further_calls_which_come_before_the_next_start() {
    #[job(queue = "booked", rate(limit = 10, per = "1s", burst = 1))]
    async fn call(starts: &Starts, context: &JobContext) -> Result<(), BoxDynError> {
        starts.add();
        if starts.count() == 1 {
            context.charge(15).await?;
        }
        Ok(())
    }

    let database = TestDatabase::migrated().await;
    let (queue, starts) = (database.queue().await, Starts::default());
    queue.register(jobs![Call], Arc::new(starts.clone())).unwrap();
    let worker = queue.start().await;
    Call::new().enqueue(&queue).await.unwrap();
    eventually("it is done", async || database.count("archive").await == 1).await;
    Call::new().enqueue(&queue).await.unwrap();
    eventually("both are done", async || database.count("archive").await == 2).await;
    let all = starts.all();
    assert!(all[1] - all[0] > Duration::from_millis(1500), "{:?}", all[1] - all[0]);
    let none = queue.limits().charge("kind:none", 1).await.unwrap_err();
    assert!(matches!(none, Error::Limit(LimitError::Unknown { .. })), "{none}");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn an_operator_changes_a_rate_on_all_machines_at_once() {
    const LIMIT: &str = "handler:hourly";
    let database = TestDatabase::migrated().await;
    let starts = Starts::default();
    let (queue, worker) = start(&database, Hourly(starts.clone())).await;
    queue.insert_jobs(jobs("hourly", 200)).await.unwrap();
    eventually("one has started", async || starts.count() == 1).await;
    let limits = queue.limits();
    let rate = limits.find(LIMIT).await.unwrap().unwrap().rate.unwrap();
    assert_eq!((rate.declared, rate.set_to, rate.tokens), (Rate::per_hour(1), None, 0));
    let in_an_hour = "select tat > now() + interval '59 min' from simple_queue.limits";
    assert!(database.value::<bool>(in_an_hour).await, "the next at {}", rate.next_at);
    // What is owed is an hour at the old rate, and 20 ms at the new one.
    limits.set_rate(LIMIT, Rate::per_second(50)).await.unwrap();
    eventually("others start", async || starts.count() >= 20).await;
    limits.pause(LIMIT).await.unwrap();
    let paused = async || {
        let before = starts.count();
        database.job().insert().await;
        let rate = limits.find(LIMIT).await.unwrap().unwrap().rate.unwrap();
        rate.tokens == 5 && starts.count() == before
    };
    eventually("none starts, and the bucket fills", paused).await;
    let before = starts.count();
    assert!(before < 200);
    limits.resume(LIMIT).await.unwrap();
    eventually("others start again", async || starts.count() > before).await;
    limits.reset(LIMIT).await.unwrap();
    let rate = limits.find(LIMIT).await.unwrap().unwrap().rate.unwrap();
    assert_eq!(rate.set_to, None);
    let error = limits.set(LIMIT, 5).await.unwrap_err();
    assert!(matches!(error, Error::Limit(LimitError::Unknown { .. })), "{error}");
    worker.shutdown(STOP).await;
}

/// Lets each job start on its second try, after the time in which a token counts.
struct Late(Mutex<usize>);

impl JobStrategy for Late {
    fn acquire(&self, _job: &Job) -> PermitFuture<'_> {
        Box::pin(async {
            let tries = {
                let mut tries = self.0.lock().unwrap();
                *tries += 1;
                *tries
            };
            if tries == 1 {
                tokio::time::sleep(Duration::from_millis(60)).await;
            }
            Ok(Permit::new(()))
        })
    }
}

#[tokio::test]
async fn a_job_that_cannot_start_in_the_time_of_its_token_is_given_back_with_its_attempt() {
    let database = TestDatabase::migrated().await;
    let starts = Starts::default();
    let pool = database.queue().await.pool().clone();
    let late = Late(Mutex::new(0));
    let queue = SimpleQueue::builder(pool).queue_strategy("fast", late).build().unwrap();
    queue.register_handler(Fast(starts.clone()));
    let worker = queue.start().await;
    queue.insert_jobs(jobs("fast", 1)).await.unwrap();
    eventually("it is done", async || database.count("archive").await == 1).await;
    assert_eq!(database.count("archive where attempt = 1 and lease >= 3").await, 1);
    assert_eq!(starts.count(), 1);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn two_rates_for_one_limit_are_refused_when_the_jobs_are_registered() {
    static OTHER: Limit = Limit::named("shared").rate(Rate::per_second(41).burst(3)).concurrency(2);

    #[job(limits = [SHARED])]
    async fn first() {}

    #[job(limits = [OTHER])]
    async fn second() {}

    let database = TestDatabase::empty().await;
    let queue = database.queue().await;
    queue.register(jobs![First], ()).unwrap();
    let error = queue.register(jobs![Second], ()).unwrap_err();
    assert!(matches!(error, Error::Limit(LimitError::Different { .. })), "{error}");
    assert!(error.to_string().contains("2 at once, 41 per 1s"), "{error}");
}

#[tokio::test]
async fn a_probe_without_a_limit_runs_beside_one_that_waits() {
    let database = TestDatabase::migrated().await;
    let (starts, probe) = (Starts::default(), Probe::new());
    let queue = database.queue().await;
    queue.register_handler(Hourly(starts.clone()));
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    queue.insert_jobs(jobs("hourly", 5)).await.unwrap();
    eventually("one has started", async || starts.count() == 1).await;
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    probe.next_run().await;
    assert_eq!(starts.count(), 1);
    worker.shutdown(STOP).await;
}
