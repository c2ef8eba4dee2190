//! Limits that hold for all processes together.

use std::time::Duration;

use simple_queue::{Error, JobOptions, Limit, LimitError, WorkerHandle, prelude::*};

use crate::support::{Mortal, Probe, STOP, Say, TestDatabase, eventually};

/// As the probe, of which 3 runs at once are allowed in all processes together.
struct Limited(Probe);

impl Handler for Limited {
    const QUEUE: &'static str = Probe::QUEUE;
    const OPTIONS: JobOptions = JobOptions::new().concurrency_limit(3);

    async fn process(&self, queue: &SimpleQueue, job: &Job) -> Result<JobResult, BoxDynError> {
        self.0.process(queue, job).await
    }
}

/// The name of its limit.
const LIMITED: &str = "handler:probe";

const ONE: Limit = Limit::named("one").concurrency(1);

/// A probe of a queue of its own, whose jobs share the limit `one` with those of the other.
macro_rules! under_one {
    ($name:ident on $queue:literal) => {
        struct $name(Probe);

        impl Handler for $name {
            const QUEUE: &'static str = $queue;
            const OPTIONS: JobOptions = JobOptions::new().limits(&[ONE]);

            async fn process(
                &self,
                queue: &SimpleQueue,
                job: &Job,
            ) -> Result<JobResult, BoxDynError> {
                self.0.process(queue, job).await
            }
        }
    };
}

under_one!(Left on "left");
under_one!(Right on "right");

async fn start(database: &TestDatabase, handler: impl Handler) -> (SimpleQueue, WorkerHandle) {
    let queue = database.queue().await;
    queue.register_handler(handler);
    let worker = queue.start().await;
    (queue, worker)
}

/// Three workers with the limited probe.
async fn three(database: &TestDatabase, probe: &Probe) -> Vec<(SimpleQueue, WorkerHandle)> {
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(start(database, Limited(probe.clone())).await);
    }
    workers
}

async fn stop(workers: Vec<(SimpleQueue, WorkerHandle)>) {
    for (_, worker) in workers {
        worker.shutdown(STOP).await;
    }
}

impl TestDatabase {
    async fn running(&self) -> i64 {
        self.count("jobs where worker_id is not null").await
    }

    /// What is lent of a limit, as its row says, and as the quotas add up to.
    pub(crate) async fn lent(&self, limit: &str) -> (i32, i64) {
        let lent = format!("select lent from simple_queue.limits where name = '{limit}'");
        let held = format!(
            "select coalesce(sum(held), 0) from simple_queue.quotas where limit_name = '{limit}'"
        );
        (self.value(&lent).await, self.value(&held).await)
    }
}

#[tokio::test]
async fn processes_together_never_run_more_jobs_than_their_limit_allows() {
    let database = TestDatabase::migrated().await;
    let probe = Probe::new();
    let workers = three(&database, &probe).await;
    let jobs = (0..40).map(|_| Probe::job(Say::WaitForGate)).collect();
    workers[0].0.insert_jobs(jobs).await.unwrap();
    for _ in 0..3 {
        probe.next_run().await;
    }
    assert_eq!(database.lent(LIMITED).await, (3, 3));
    for _ in 3..40 {
        probe.open_gate(1);
        probe.next_run().await;
    }
    probe.open_gate(3);
    eventually("all are done", async || database.count("jobs").await == 0).await;
    assert_eq!(probe.most_at_once(), 3);
    stop(workers).await;
    assert_eq!(database.lent(LIMITED).await, (0, 0), "a worker that stops gives all back");
}

#[tokio::test]
async fn a_limit_is_used_up_by_one_process_when_the_others_have_no_room() {
    let database = TestDatabase::migrated().await;
    let probe = Probe::new();
    let (queue, worker) = start(&database, Limited(probe.clone())).await;
    let jobs = (0..3).map(|_| Probe::job(Say::WaitForGate)).collect();
    queue.insert_jobs(jobs).await.unwrap();
    eventually("it has all permits", async || probe.running() == 3).await;
    probe.open_gate(3);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_queue_has_a_limit_for_all_processes() {
    let database = TestDatabase::migrated().await;
    let probe = Probe::new();
    let mut workers = Vec::new();
    for _ in 0..2 {
        let pool = database.queue().await.pool().clone();
        let queue = SimpleQueue::builder(pool).queue_limit(Probe::QUEUE, 2).build().unwrap();
        queue.register_handler(probe.clone());
        let worker = queue.start().await;
        workers.push((queue, worker));
    }
    let jobs = (0..20).map(|_| Probe::job(Say::WaitForGate)).collect();
    workers[0].0.insert_jobs(jobs).await.unwrap();
    for _ in 0..20 {
        probe.next_run().await;
        probe.open_gate(1);
    }
    eventually("all are done", async || database.count("jobs").await == 0).await;
    assert_eq!(probe.most_at_once(), 2);
    let limit = workers[0].0.limits().find("queue:probe").await.unwrap().unwrap();
    assert_eq!((limit.declared, limit.concurrency()), (Some(2), Some(2)));
    stop(workers).await;
}

#[job(queue = "probe", concurrency(limit = 1, key = "{key}"))]
async fn with_a_key(key: u32) {
    let _ = key;
}

#[tokio::test]
async fn a_job_with_a_key_gets_a_permit_of_its_queue_beside_a_handler_of_all_kinds() {
    let database = TestDatabase::migrated().await;
    let pool = database.queue().await.pool().clone();
    let queue = SimpleQueue::builder(pool).queue_limit(Probe::QUEUE, 1).build().unwrap();
    queue.register_handler(Probe::new());
    queue.register(jobs![WithAKey], ()).unwrap();
    let worker = queue.start().await;
    WithAKey::new(1).enqueue(&queue).await.unwrap();
    eventually("it is done", async || database.count("archive").await == 1).await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn processes_take_turns_where_there_are_fewer_permits_than_processes() {
    let database = TestDatabase::migrated().await;
    let (left, right) = (Probe::new(), Probe::new());
    let workers = vec![
        start(&database, Left(left.clone())).await,
        start(&database, Right(right.clone())).await,
    ];
    let queue = &workers[0].0;
    let of = |queue: &str| (0..20_000).map(|_| Job::new(queue, Say::Success)).collect::<Vec<_>>();
    queue.insert_jobs(of("left")).await.unwrap();
    queue.insert_jobs(of("right")).await.unwrap();
    // Each has a backlog for longer than a turn, so neither can be done before the other begins.
    for probe in [&left, &right, &left, &right] {
        probe.next_run().await;
        probe.other_runs().await;
    }
    assert!(left.most_at_once() == 1 && right.most_at_once() == 1);
    queue.limits().pause("one").await.unwrap();
    eventually("all permits are back", async || database.lent("one").await == (0, 0)).await;
    assert_eq!(database.running().await, 0);
    stop(workers).await;
}

#[tokio::test]
async fn the_permits_of_a_process_that_died_come_back_with_its_jobs() {
    let database = TestDatabase::migrated().await;
    let (doomed, probe) = (Probe::new(), Probe::new());
    let (url, handler) = (database.url.clone(), Limited(doomed.clone()));
    let mortal = Mortal::start(move || async move {
        let queue = TestDatabase::queue_at(&url).await;
        queue.register_handler(handler);
        queue
    })
    .await;
    let jobs = (0..3).map(|_| Probe::job(Say::WaitForGate)).collect();
    database.queue().await.insert_jobs(jobs).await.unwrap();
    for _ in 0..3 {
        doomed.next_run().await;
    }
    mortal.kill();
    let workers = vec![start(&database, Limited(probe.clone())).await];
    for _ in 0..3 {
        probe.next_run().await;
    }
    assert_eq!(database.lent(LIMITED).await, (3, 3));
    probe.open_gate(3);
    eventually("all are done", async || database.count("jobs").await == 0).await;
    stop(workers).await;
}

#[tokio::test]
async fn a_process_that_was_declared_dead_borrows_anew_under_its_new_id() {
    let database = TestDatabase::migrated().await;
    let probe = Probe::new();
    let workers = vec![start(&database, Limited(probe.clone())).await];
    let queue = &workers[0].0;
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    probe.next_run().await;
    // As another process does that found it silent.
    let old = database.only_process().await;
    database
        .execute(&format!(
            "with gone as (
                delete from simple_queue.quotas where worker_id = '{old}' returning limit_name, held
            ), back as (
                update simple_queue.limits l set lent = lent - gone.held from gone where l.name = gone.limit_name
            )
            delete from simple_queue.workers where id = '{old}'"
        ))
        .await;
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    probe.next_run().await;
    assert_ne!(database.only_process().await, old);
    let (lent, held) = database.lent(LIMITED).await;
    assert_eq!(i64::from(lent), held);
    stop(workers).await;
}

#[tokio::test]
async fn an_operator_changes_a_limit_on_all_machines_at_once() {
    let database = TestDatabase::migrated().await;
    let probe = Probe::new();
    let workers = three(&database, &probe).await;
    let queue = &workers[0].0;
    let jobs = (0..100).map(|_| Probe::job(Say::WaitForGate)).collect();
    queue.insert_jobs(jobs).await.unwrap();
    for _ in 0..3 {
        probe.next_run().await;
    }
    let limits = queue.limits();
    limits.set(LIMITED, 5).await.unwrap();
    eventually("two more start", async || probe.running() == 5).await;
    limits.set(LIMITED, 1).await.unwrap();
    eventually("as runs end, no others begin", async || {
        probe.open_gate(usize::from(probe.running() > 1));
        database.lent(LIMITED).await == (1, 1) && probe.running() == 1
    })
    .await;
    limits.pause(LIMITED).await.unwrap();
    eventually("none runs", async || {
        probe.open_gate(usize::from(probe.running() > 0));
        database.lent(LIMITED).await == (0, 0) && probe.running() == 0
    })
    .await;
    let limit = limits.find(LIMITED).await.unwrap().unwrap();
    assert_eq!((limit.declared, limit.set_to, limit.concurrency()), (Some(3), Some(1), Some(0)));
    limits.reset(LIMITED).await.unwrap();
    limits.resume(LIMITED).await.unwrap();
    eventually("three run", async || probe.running() == 3).await;
    let limit = &limits.list().await.unwrap()[0];
    assert_eq!((limit.lent, limit.set_to, limit.paused_at), (3, None, None));
    assert_eq!(limit.holders.iter().map(|holder| holder.held).sum::<u32>(), 3);
    assert!(limit.holders.iter().all(|holder| !holder.host.is_empty()));
    probe.open_gate(100);
    eventually("all are done", async || database.count("jobs").await == 0).await;
    stop(workers).await;
}

#[tokio::test]
async fn a_limit_that_cannot_be_is_refused() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    for zero in [queue.limits().set("one", 0), queue.limits().set("one", 1_000_001)] {
        let error = zero.await.unwrap_err();
        assert!(matches!(error, Error::InvalidOption { .. }), "{error}");
    }
    let error = queue.limits().pause("none").await.unwrap_err();
    assert!(matches!(error, Error::Limit(LimitError::Unknown { .. })), "{error}");
    let none = SimpleQueue::builder(queue.pool()).queue_limit("q", 0).build().unwrap_err();
    assert!(none.to_string().contains("`queue_limit(\"q\")` is 0"), "{none}");
}

#[tokio::test]
async fn two_numbers_for_one_limit_are_refused_when_the_jobs_are_registered() {
    static ALSO_ONE: Limit = Limit::named("one").concurrency(2);

    #[job(limits = [ONE])]
    async fn first() {}

    #[job(limits = [ALSO_ONE])]
    async fn second() {}

    let database = TestDatabase::empty().await;
    let queue = database.queue().await;
    queue.register(jobs![First], ()).unwrap();
    let error = queue.register(jobs![Second], ()).unwrap_err();
    assert!(matches!(error, Error::Limit(LimitError::Different { .. })), "{error}");
    assert!(error.to_string().contains("shared_limits.rs"), "{error}");
}

#[tokio::test]
async fn a_job_that_becomes_due_later_starts_on_time_under_a_limit() {
    let database = TestDatabase::migrated().await;
    let probe = Probe::new();
    let workers = three(&database, &probe).await;
    eventually("the limit is known", async || database.count("quotas").await == 3).await;
    database.job().due_in(Duration::from_millis(700)).insert().await;
    probe.next_run().await;
    eventually("it is done", async || database.count("archive").await == 1).await;
    let late: f64 = database
        .value(
            "select extract(epoch from finished_at - created_at)::double precision
            from simple_queue.archive",
        )
        .await;
    assert!((0.7..3.0).contains(&late), "after {late} s");
    stop(workers).await;
}

#[tokio::test]
async fn a_suspect_gets_a_permit_though_no_other_job_is_due() {
    let database = TestDatabase::migrated().await;
    let probe = Probe::new();
    database
        .job()
        .set("crash_count", "2")
        .set("held", "'00000000-0000-0000-0000-000000000000'")
        .insert()
        .await;
    let workers = vec![start(&database, Limited(probe.clone())).await];
    probe.next_run().await;
    eventually("it is done", async || database.count("archive").await == 1).await;
    stop(workers).await;
}
