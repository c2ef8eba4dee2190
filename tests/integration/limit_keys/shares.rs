//! Keys that share a queue fairly.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use simple_queue::{Error, LimitError, WorkerHandle, prelude::*};

use crate::support::{STOP, TestDatabase, eventually};

/// The keys of the jobs, in the order in which they started.
#[derive(Debug, Clone, Default, JobState)]
struct Served(Arc<Mutex<Vec<i64>>>);

impl Served {
    fn all(&self) -> Vec<i64> {
        self.0.lock().unwrap().clone()
    }

    fn of(&self, key: i64) -> usize {
        self.all().into_iter().filter(|served| *served == key).count()
    }
}

#[job(queue = "shared", retries = 1, backoff = "none", fair(key = "{tenant}"))]
async fn render(served: &Served, tenant: i64, takes: u64) -> Result<(), BoxDynError> {
    served.0.lock().unwrap().push(tenant);
    tokio::time::sleep(Duration::from_millis(takes)).await;
    if takes == 13 && served.of(tenant) == 1 { Err("it fails once".into()) } else { Ok(()) }
}

const RENDER: &str = "fair:shared/render";

async fn start(database: &TestDatabase, permits: usize) -> (Served, SimpleQueue, WorkerHandle) {
    let pool = database.queue().await.pool().clone();
    let queue = SimpleQueue::builder(pool).queue_permits("shared", permits).build().unwrap();
    let served = Served::default();
    queue.register(jobs![Render], served.clone()).unwrap();
    let worker = queue.start().await;
    (served, queue, worker)
}

/// Jobs of a tenant, with the turn that an enqueue writes.
async fn fill(database: &TestDatabase, tenant: i64, jobs: usize) {
    let gate = format!("{RENDER}#{tenant}");
    let rows = database.job().queue("shared").kind("render").set("gate", format!("'{gate}'"));
    let data = format!(r#"'{{"tenant": {tenant}, "takes": 0}}'"#);
    rows.set("job_data", data).insert_many(jobs).await;
    let turn = format!("insert into simple_queue.turns (rule, gate) values ('{RENDER}', '{gate}')");
    database.execute(&turn).await;
}

#[tokio::test]
async fn tenants_of_few_jobs_are_done_within_two_rounds_beside_one_of_very_many() {
    let database = TestDatabase::migrated().await;
    let many = async || {
        fill(&database, 1, 1_000_000).await;
        for tenant in 100..199 {
            fill(&database, tenant, 10).await;
        }
    };
    database.fill_jobs(many).await;
    database.execute("vacuum analyze simple_queue.jobs").await;
    let (served, _queue, worker) = start(&database, 16).await;
    let of_small = || served.all().iter().filter(|tenant| **tenant != 1).count();
    eventually("the small ones are done", async || of_small() == 990).await;
    worker.shutdown(STOP).await;
    let all = served.all();
    let last = all.iter().rposition(|tenant| *tenant != 1).unwrap();
    // Ten rounds, in each of which every tenant has one job, and the first two of the process, which begin anywhere.
    let of_many = all[..=last].iter().filter(|tenant| **tenant == 1).count();
    assert!(of_many <= 12, "{of_many} of the large one before the last of the small ones");
    for tenant in 100..199 {
        let first = all.iter().position(|served| *served == tenant).unwrap();
        assert!(first < 200, "{tenant} waited for {first} others, which is more than two rounds");
    }
}

#[tokio::test]
async fn keys_are_served_by_their_weights_however_few_permits_there_are() {
    for permits in [1, 7] {
        let database = TestDatabase::migrated().await;
        let (served, queue, worker) = start(&database, permits).await;
        Render::new(9, 0).enqueue(&queue).await.unwrap();
        eventually("the limit is known", async || served.of(9) == 1).await;
        queue.limits().set_weight(RENDER, "3", 3).await.unwrap();
        queue.limits().pause(RENDER).await.unwrap();
        fill(&database, 1, 2000).await;
        fill(&database, 3, 2000).await;
        queue.limits().resume(RENDER).await.unwrap();
        eventually("many are served", async || served.all().len() >= 800).await;
        worker.shutdown(STOP).await;
        let of = |key| f64::from(u32::try_from(served.of(key)).unwrap());
        let ratio = of(3) / of(1);
        assert!((2.85..3.15).contains(&ratio), "{ratio} with {permits} permits");
    }
}

#[tokio::test]
async fn a_key_of_one_fair_kind_retries_waits_for_its_time_and_leaves_nothing() {
    let database = TestDatabase::migrated().await;
    let (served, queue, worker) = start(&database, 4).await;
    Render::new(1, 13).enqueue(&queue).await.unwrap();
    Render::new(2, 0).delay(Duration::from_millis(300)).enqueue(&queue).await.unwrap();
    let settled = async || database.count("jobs").await + database.count("turns").await == 0;
    eventually("all are done", settled).await;
    assert_eq!((served.of(1), served.of(2)), (2, 1));
    let waited = "select max(extract(epoch from finished_at - created_at))::float8 from simple_queue.archive";
    let waited: f64 = database.value(waited).await;
    // A worker that did not know of its turn would find the job at its next look, after 30 s.
    assert!((0.3..5.0).contains(&waited), "{waited}");
    assert_eq!(database.count("gates").await, 0);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_paused_key_and_a_paused_kind_wait_until_they_are_resumed() {
    let database = TestDatabase::migrated().await;
    let (served, queue, worker) = start(&database, 4).await;
    Render::new(9, 0).enqueue(&queue).await.unwrap();
    eventually("the limit is known", async || served.of(9) == 1).await;
    let limits = queue.limits();
    limits.pause_key(RENDER, "1").await.unwrap();
    for tenant in [1, 2] {
        Render::new(tenant, 0).enqueue(&queue).await.unwrap();
    }
    eventually("the other runs", async || served.of(2) == 1).await;
    eventually("its turn is consumed", async || database.count("turns").await == 0).await;
    let keys = limits.keys(RENDER, None, 10).await.unwrap();
    assert!(keys[0].paused_at.is_some() && keys[0].declared.is_none() && keys[0].waiting == 1);
    limits.resume_key(RENDER, "1").await.unwrap();
    eventually("it runs", async || served.of(1) == 1).await;
    limits.pause(RENDER).await.unwrap();
    Render::new(3, 0).enqueue(&queue).await.unwrap();
    Render::new(4, 0).enqueue(&queue).await.unwrap();
    limits.resume(RENDER).await.unwrap();
    eventually("all run", async || served.of(3) + served.of(4) == 2).await;
    for (weight, name) in [(0, RENDER), (1001, RENDER)] {
        let error = limits.set_weight(name, "1", weight).await.unwrap_err();
        assert!(matches!(error, Error::InvalidOption { option: "weight", .. }), "{error}");
    }
    let error = limits.set_weight("key:keys/none", "1", 2).await.unwrap_err();
    assert!(matches!(error, Error::Limit(LimitError::Unknown { .. })), "{error}");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn two_processes_run_each_job_of_a_key_once() {
    let database = TestDatabase::migrated().await;
    let (first, queue, worker) = start(&database, 8).await;
    let (second, _, other) = start(&database, 8).await;
    for round in 0..10 {
        let jobs = (0..50).map(|number| Render::new(number % 5, u64::from(round == 3)));
        Render::enqueue_all(jobs, &queue).await.unwrap();
    }
    let settled = async || database.count("jobs").await + database.count("turns").await == 0;
    eventually("all are done", settled).await;
    assert_eq!(first.all().len() + second.all().len(), 500);
    worker.shutdown(STOP).await;
    other.shutdown(STOP).await;
}
