//! Stage 4: there are never more runs at once than permits.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use simple_queue::{
    JobStatus,
    prelude::*,
    sync::{JobStrategy, JobStrategyError, Permit, PermitFuture},
};

use crate::support::{Probe, STOP, Say, TestDatabase, eventually};

/// A probe of another queue.
struct Other(Probe);

impl Handler for Other {
    const QUEUE: &'static str = "other";

    async fn process(&self, queue: &SimpleQueue, job: &Job) -> Result<JobResult, BoxDynError> {
        self.0.process(queue, job).await
    }
}

#[tokio::test]
async fn a_process_claims_no_more_than_it_can_start() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_global_semaphore(3);
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let jobs = (0..10).map(|_| Probe::job(Say::WaitForGate)).collect();
    queue.insert_jobs(jobs).await.unwrap();
    let worker = queue.start().await;
    for _ in 0..3 {
        probe.next_run().await;
    }
    assert_eq!(database.count("jobs where worker_id is not null").await, 3);
    assert_eq!(database.count("jobs where lease = 0").await, 7);
    for _ in 3..10 {
        probe.open_gate(1);
        probe.next_run().await;
    }
    probe.open_gate(3);
    eventually("all are archived", async || database.count("archive").await == 10).await;
    worker.shutdown(STOP).await;
    assert_eq!(probe.most_at_once(), 3);
}

#[tokio::test]
async fn a_full_queue_never_starves_another() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_queue_default_semaphore_size(2);
    let (stuck, free) = (Probe::new(), Probe::new());
    queue.register_handler(stuck.clone());
    queue.register_handler(Other(free.clone()));
    let jobs = (0..50).map(|_| Probe::job(Say::WaitForGate)).collect();
    queue.insert_jobs(jobs).await.unwrap();
    let worker = queue.start().await;
    stuck.next_run().await;
    stuck.next_run().await;
    for _ in 0..20 {
        queue.insert_job(Job::new("other", Say::Success)).await.unwrap();
        free.next_run().await;
    }
    assert_eq!(stuck.other_runs().await, []);
    stuck.open_gate(50);
    worker.shutdown(STOP).await;
}

/// Gives each answer once, and then permits.
struct Scripted {
    asked: Arc<AtomicUsize>,
    answers: Vec<JobStrategyError>,
}

impl JobStrategy for Scripted {
    fn acquire(&self, _job: &Job) -> PermitFuture<'_> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = match self.answers.get(asked) {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(Permit::new(())),
        };
        Box::pin(std::future::ready(answer))
    }
}

#[tokio::test]
async fn every_refusal_of_a_strategy_becomes_its_outcome() {
    let database = TestDatabase::migrated().await;
    let cases = [
        (JobStrategyError::CancelJob, JobStatus::Cancelled, "dead_letters where attempt = 1"),
        (JobStrategyError::MarkCompleted, JobStatus::Completed, "archive where attempt = 1"),
        (JobStrategyError::Retry, JobStatus::Completed, "archive where attempt = 2"),
        (
            JobStrategyError::TryAfter(chrono::TimeDelta::zero()),
            JobStatus::Completed,
            "archive where attempt = 1 and reprocess_count = 1",
        ),
    ];
    for (refusal, status, row) in cases {
        let (queue, probe) = (database.queue().await, Probe::new());
        queue.register_handler(probe.clone());
        let answers = vec![refusal.clone()];
        queue.with_queue_strategy(Probe::QUEUE, Scripted { asked: Arc::default(), answers });
        let worker = queue.start().await;
        let id = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
        assert_eq!(queue.wait(id, STOP).await.unwrap().status, status, "{refusal:?}");
        assert_eq!(database.count(&format!("{row} and id = '{id}'")).await, 1, "{refusal:?}");
        worker.shutdown(STOP).await;
    }
}

/// Never decides.
struct Undecided;

impl JobStrategy for Undecided {
    fn acquire(&self, _job: &Job) -> PermitFuture<'_> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_job_whose_permit_is_late_is_given_back_with_its_attempt() {
    let database = TestDatabase::migrated().await;
    let patience = std::time::Duration::from_millis(20);
    let queue = database.queue().await.with_hold_queue_semaphore(patience);
    queue.register_handler(Probe::new());
    queue.with_queue_strategy(Probe::QUEUE, Undecided);
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    let worker = queue.start().await;
    // Each claim and each return is a lease.
    eventually("given back twice", async || database.count("jobs where lease >= 4").await == 1)
        .await;
    worker.shutdown(STOP).await;
    assert_eq!(database.count("jobs where attempt = 0 and reprocess_count = 0").await, 1);
}

#[tokio::test]
async fn a_job_that_waits_for_its_permit_when_the_process_stops_is_left_to_others() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_hold_queue_semaphore(std::time::Duration::MAX);
    queue.register_handler(Probe::new());
    queue.with_queue_strategy(Probe::QUEUE, Undecided);
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    let worker = queue.start().await;
    eventually("it is claimed", async || database.count("jobs where lease = 1").await == 1).await;
    worker.shutdown(STOP).await;
    assert_eq!(database.count("jobs where lease = 2 and attempt = 0").await, 1);
    assert_eq!(database.count("workers").await, 0);
}

#[tokio::test]
async fn more_permits_than_can_be_counted_mean_the_largest_number_that_can() {
    let database = TestDatabase::migrated().await;
    let queue = database
        .queue()
        .await
        .with_global_semaphore(usize::MAX)
        .with_queue_default_semaphore_size(usize::MAX);
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    let worker = queue.start().await;
    probe.next_run().await;
    worker.shutdown(STOP).await;
}

/// Kinds of one queue, each with its own handler: `K` is the kind, `N` how many may run at once.
struct Kind<const N: u32>(Probe);

impl<const N: u32> Handler for Kind<N> {
    const QUEUE: &'static str = Probe::QUEUE;
    const KIND: Option<&'static str> = Some("limited");
    const OPTIONS: JobOptions = JobOptions::new().concurrency(N);

    async fn process(&self, queue: &SimpleQueue, job: &Job) -> Result<JobResult, BoxDynError> {
        self.0.process(queue, job).await
    }
}

#[tokio::test]
async fn a_job_with_a_concurrency_of_its_own_never_runs_more_often_and_holds_up_no_other() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_queue_default_semaphore_size(10);
    let (limited, others) = (Probe::new(), Probe::new());
    queue.register_handler(Kind::<2>(limited.clone()));
    queue.register_handler(others.clone());
    let insert = async |count: i32, kind: &str, priority: i32| {
        let sql = format!(
            "select simple_queue.enqueue('probe', '{kind}', '\"WaitForGate\"', priority => {priority})
            from generate_series(1, {count})"
        );
        database.execute(&sql).await;
    };
    // The jobs have two priorities, because the claim reads each apart.
    insert(5, "limited", 0).await;
    insert(5, "limited", 3).await;
    insert(8, "", 5).await;
    let worker = queue.start().await;
    for _ in 0..8 {
        others.next_run().await;
    }
    for _ in 0..2 {
        limited.next_run().await;
    }
    assert_eq!((limited.running(), others.running()), (2, 8));
    for _ in 0..10 {
        limited.open_gate(1);
    }
    others.open_gate(8);
    eventually("all are archived", async || database.count("archive").await == 18).await;
    assert_eq!(limited.most_at_once(), 2);
    assert_eq!(database.count("archive where attempt <> 1").await, 0, "no attempt is burnt");
    worker.shutdown(STOP).await;
}

/// A handler with a strategy of its own, beside that of its queue.
struct WithStrategy(Probe, Budget);

struct Budget(AtomicUsize);

impl JobStrategy for Budget {
    fn acquire(&self, _job: &Job) -> PermitFuture<'_> {
        let spent = self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(match spent {
            0 => Ok(Permit::new(())),
            _ => Err(JobStrategyError::CancelJob),
        }))
    }
}

impl Handler for WithStrategy {
    const QUEUE: &'static str = Probe::QUEUE;

    fn strategy(&self) -> Option<&dyn JobStrategy> {
        Some(&self.1)
    }

    async fn process(&self, queue: &SimpleQueue, job: &Job) -> Result<JobResult, BoxDynError> {
        self.0.process(queue, job).await
    }
}

struct Counting(Arc<AtomicUsize>);

impl JobStrategy for Counting {
    fn acquire(&self, _job: &Job) -> PermitFuture<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(Ok(Permit::new(()))))
    }
}

#[tokio::test]
async fn a_handlers_own_strategy_comes_after_that_of_its_queue() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await.with_global_semaphore(1);
    let asked = Arc::new(AtomicUsize::new(0));
    queue.with_queue_strategy(Probe::QUEUE, Counting(Arc::clone(&asked)));
    queue.register_handler(WithStrategy(Probe::new(), Budget(AtomicUsize::new(0))));
    queue.insert_jobs(vec![Probe::job(Say::Success), Probe::job(Say::Success)]).await.unwrap();
    let worker = queue.start().await;
    eventually("both have ended", async || database.count("jobs").await == 0).await;
    worker.shutdown(STOP).await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(database.count("archive").await, 1);
    assert_eq!(database.count("dead_letters where status = 'cancelled'").await, 1);
}

#[tokio::test]
async fn a_permit_that_becomes_free_after_a_long_quiet_is_used_at_once() {
    // Another queue has no jobs, so its fetches find nothing.
    #[job(queue = "quiet")]
    async fn quiet() {}
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.register(jobs![Quiet], ()).unwrap();
    queue.register_handler(probe.clone());
    let queue = queue.with_queue_default_semaphore_size(1);
    let jobs = (0..2).map(|_| Probe::job(Say::WaitForGate)).collect();
    queue.insert_jobs(jobs).await.unwrap();
    let worker = queue.start().await;
    probe.next_run().await;
    // The poller sleeps for as long as it has been quiet: at least 8 s after a fetch that follows 4 s of sleep.
    let since_look =
        "select extract(epoch from now() - max(state_change))::float8 from pg_stat_activity
        where datname = current_database() and query like '-- fetch_jobs%'";
    let slept = async || database.value::<Option<f64>>(since_look).await.unwrap_or(0.0);
    eventually("the poller sleeps for long", async || slept().await > 4.0).await;
    eventually("it has looked again", async || slept().await < 1.0).await;
    probe.open_gate(1);
    let next = tokio::time::timeout(std::time::Duration::from_secs(2), probe.next_run()).await;
    assert!(next.is_ok(), "the second waits for the poller's next fetch");
    probe.open_gate(1);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn queues_share_the_permits_of_a_process_by_their_weights() {
    #[job(queue = "heavy")]
    async fn heavy(order: &Order) {
        order.run("heavy").await;
    }

    #[job(queue = "light")]
    async fn light(order: &Order) {
        order.run("light").await;
    }

    #[job(queue = "rare")]
    async fn rare(order: &Order) {
        order.run("rare").await;
    }

    /// The queues in the order in which their jobs started.
    #[derive(Default)]
    struct Order(std::sync::Mutex<Vec<&'static str>>);

    impl Order {
        async fn run(&self, queue: &'static str) {
            self.0.lock().unwrap().push(queue);
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }

    let database = TestDatabase::migrated().await;
    let pool = database.queue().await.pool().clone();
    let builder = SimpleQueue::builder(pool).permits(7).queue_weight("heavy", 3);
    let queue = builder.default_queue_permits(7).build().unwrap();
    let order = Arc::new(Order::default());
    queue.register(jobs![Heavy, Light, Rare], Arc::clone(&order)).unwrap();
    Heavy::enqueue_all((0..1200).map(|_| Heavy::new()), &queue).await.unwrap();
    Light::enqueue_all((0..1200).map(|_| Light::new()), &queue).await.unwrap();
    let worker = queue.start().await;
    eventually("many have started", async || order.0.lock().unwrap().len() >= 700).await;
    Rare::new().enqueue(&queue).await.unwrap();
    eventually("all are done", async || database.count("jobs").await == 0).await;
    worker.shutdown(STOP).await;
    let order = order.0.lock().unwrap();
    // All three quarters of the heavy ones begin in the first 1,600 starts, and both still have some then.
    let heavy = order[..1400].iter().filter(|queue| **queue == "heavy").count();
    assert!((1000..=1100).contains(&heavy), "{heavy} of 1400, not 1050");
    let rare = order.iter().position(|queue| *queue == "rare").unwrap();
    assert!(rare < 1600, "{rare}: a queue that rarely has a job waits for no other");
}
