//! Jobs that take more than one token of a rate.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::json;
use simple_queue::{Error, Rate, WorkerHandle, prelude::*};

use crate::support::{STOP, TestDatabase, eventually};

/// When jobs started, and how many tokens each took.
#[derive(Debug, Clone, Default, JobState)]
struct Spent(Arc<Mutex<Vec<(Instant, u32)>>>);

impl Spent {
    fn add(&self, tokens: u32) {
        self.0.lock().unwrap().push((Instant::now(), tokens));
    }

    fn all(&self) -> Vec<(Instant, u32)> {
        let mut all = self.0.lock().unwrap().clone();
        all.sort_unstable();
        all
    }

    /// The most tokens in a half-open period of this length, wherever it begins.
    fn most_in(&self, period: Duration) -> u32 {
        let all = self.all();
        let within = |(first, (start, _)): (usize, &(Instant, u32))| -> u32 {
            let rest = all[first..].iter().take_while(|(other, _)| *other - *start < period);
            rest.map(|(_, tokens)| tokens).sum()
        };
        all.iter().enumerate().map(within).max().unwrap_or_default()
    }
}

#[job(
    queue = "llm",
    retries = 0,
    rate(limit = 1000, per = "1s", burst = 400, key = "{org}", cost = "{tokens}")
)]
async fn complete(spent: &Spent, org: i64, tokens: u32) -> Result<(), BoxDynError> {
    let _ = org;
    spent.add(tokens);
    if tokens == 13 { Err("it fails".into()) } else { Ok(()) }
}

#[job(queue = "llm", rate(limit = 1000, per = "1s", burst = 400, cost = "{usage.tokens}"))]
async fn embed(spent: &Spent, usage: Usage) {
    spent.add(usage.tokens);
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Usage {
    tokens: u32,
}

#[job(queue = "llm", rate(limit = 100, per = "1s", burst = 10, cost = 10, key = "{org}"))]
async fn always_ten(spent: &Spent, org: i64) {
    let _ = org;
    spent.add(10);
}

async fn start(database: &TestDatabase) -> (Spent, Vec<(SimpleQueue, WorkerHandle)>) {
    let spent = Spent::default();
    let mut workers = Vec::new();
    for _ in 0..2 {
        let queue = database.queue().await;
        queue.register(jobs![Complete, Embed, AlwaysTen], spent.clone()).unwrap();
        let worker = queue.start().await;
        workers.push((queue, worker));
    }
    (spent, workers)
}

async fn stop(workers: Vec<(SimpleQueue, WorkerHandle)>) {
    for (_, worker) in workers {
        worker.shutdown(STOP).await;
    }
}

#[tokio::test]
async fn no_period_has_more_tokens_of_a_key_than_its_rate_allows() {
    let database = TestDatabase::migrated().await;
    let (spent, workers) = start(&database).await;
    let costs = [400, 1, 250, 30, 399, 7, 120, 90, 350, 2];
    let jobs = costs.into_iter().cycle().take(20).map(|tokens| Complete::new(7, tokens));
    Complete::enqueue_all(jobs, &workers[0].0).await.unwrap();
    eventually("all are done", async || database.count("jobs").await == 0).await;
    let (most, all) = (spent.most_in(Duration::from_secs(1)), spent.all());
    assert!(most <= 1000, "{most} in a second");
    assert_eq!(all.iter().map(|(_, tokens)| tokens).sum::<u32>(), 2 * 1649);
    // A job that is given back, because the machine was too slow for its token, goes to the end.
    if database.count("archive where lease > 1").await == 0 {
        let order: Vec<u32> = all.iter().map(|(_, tokens)| *tokens).collect();
        let dear = order.iter().position(|tokens| *tokens == 399).unwrap();
        assert!((3..=6).contains(&dear), "a dear job is not overtaken by cheap ones: {order:?}");
    }
    stop(workers).await;
}

#[tokio::test]
async fn a_rate_without_a_key_counts_the_costs_of_all_jobs_together() {
    let database = TestDatabase::migrated().await;
    let (spent, workers) = start(&database).await;
    let jobs = (0..16).map(|_| Embed::new(Usage { tokens: 200 }));
    Embed::enqueue_all(jobs, &workers[0].0).await.unwrap();
    eventually("all are done", async || database.count("jobs").await == 0).await;
    let most = spent.most_in(Duration::from_secs(1));
    assert!(most <= 1000 && spent.all().len() == 16, "{most} in a second");
    let listed = workers[0].0.limits().find("key:llm/embed").await.unwrap().unwrap();
    assert_eq!(listed.rate.unwrap().declared.to_string(), "1000 per 1s, with a burst of 400");
    stop(workers).await;
}

#[tokio::test]
async fn a_cost_may_be_the_same_for_all_jobs() {
    let database = TestDatabase::migrated().await;
    let (spent, workers) = start(&database).await;
    AlwaysTen::enqueue_all((0..12).map(|_| AlwaysTen::new(1)), &workers[0].0).await.unwrap();
    eventually("all are done", async || database.count("jobs").await == 0).await;
    assert!(spent.most_in(Duration::from_secs(1)) <= 100);
    stop(workers).await;
}

#[tokio::test]
async fn a_cost_above_the_burst_is_refused_with_both_places() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let error = Complete::new(7, 401).enqueue(&queue).await.unwrap_err();
    assert!(matches!(error, Error::InvalidOption { option: "cost", .. }), "{error}");
    let message = error.to_string();
    for part in ["a `complete` of 401 tokens would never start", "costs.rs:", "a burst of 400"] {
        assert!(message.contains(part), "{message}");
    }
    Complete::new(7, 0).enqueue(&queue).await.unwrap();
    assert_eq!(database.count("jobs where cost = 1").await, 1, "a job takes at least one");
}

#[tokio::test]
async fn a_dead_letter_keeps_its_cost_and_takes_it_again_when_it_is_redriven() {
    let database = TestDatabase::migrated().await;
    let (spent, workers) = start(&database).await;
    let queue = &workers[0].0;
    let id = Complete::new(7, 13).enqueue(queue).await.unwrap().id();
    eventually("it is dead", async || database.count("dead_letters where cost = 13").await == 1)
        .await;
    queue.limits().pause("key:llm/complete").await.unwrap();
    assert_eq!(queue.admin().as_actor("ann").retry(id).await.unwrap().left(), None);
    assert_eq!(database.count("jobs where cost = 13").await, 1);
    queue.limits().resume("key:llm/complete").await.unwrap();
    eventually("it ran again", async || spent.all().len() == 2).await;
    stop(workers).await;
}

#[tokio::test]
async fn the_cost_of_a_job_follows_an_edit_of_its_payload_unless_the_enqueuer_chose_it() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![Complete], Spent::default()).unwrap();
    let admin = queue.admin().as_actor("ann");
    let id = Complete::new(7, 12).enqueue(&queue).await.unwrap().id();
    let edited = json!({"org": 7, "tokens": 20});
    assert_eq!(admin.edit(id).args(&edited).await.unwrap().left(), None);
    assert_eq!(database.count("jobs where cost = 20").await, 1);
    let error = admin.edit(id).args(json!({"org": 7, "tokens": 401})).await.unwrap_err();
    assert!(error.to_string().contains("401 tokens would never start"), "{error}");
    database.change(id).set("cost", "5").write().await;
    assert_eq!(admin.edit(id).args(json!({"org": 7, "tokens": 30})).await.unwrap().left(), None);
    assert_eq!(database.count("jobs where cost = 5").await, 1);
}

#[tokio::test]
async fn the_functions_in_the_database_take_a_cost_and_refuse_a_wrong_one() {
    let database = TestDatabase::migrated().await;
    let (_, workers) = start(&database).await;
    Complete::new(7, 1).enqueue(&workers[0].0).await.unwrap();
    eventually("the limit is known", async || database.count("archive").await == 1).await;
    workers[0].0.limits().pause("key:llm/complete").await.unwrap();
    let call = |more: &str| {
        let data = r#"{"org": 7, "tokens": 70}"#;
        format!(
            "select outcome from simple_queue.enqueue('llm', 'complete', '{data}', limit_key => '7'{more})"
        )
    };
    assert_eq!(database.value::<String>(&call(", cost => 70")).await, "inserted");
    assert_eq!(database.count("jobs where cost = 70").await, 1);
    for (more, why) in [
        ("", "counts what its jobs cost"),
        (", cost => 401", "the limit is 1 to 400"),
        (", cost => 0", "the limit is 1 to 400"),
    ] {
        let error = sqlx::query(sqlx::AssertSqlSafe(call(more))).execute(&database.pool).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(why), "{more}: {error}");
    }
    let other = "select outcome from simple_queue.enqueue('other', 'plain', '{}', cost => 5)";
    let error = sqlx::query(other).execute(&database.pool).await.unwrap_err().to_string();
    assert!(error.contains("no worker has declared a rate"), "{error}");
    stop(workers).await;
}

#[tokio::test]
async fn a_job_that_costs_more_than_an_operators_burst_takes_all_tokens_and_owes_the_others() {
    let database = TestDatabase::migrated().await;
    let (spent, workers) = start(&database).await;
    let queue = &workers[0].0;
    Complete::new(7, 1).enqueue(queue).await.unwrap();
    eventually("the limit is known", async || database.count("archive").await == 1).await;
    let small = Rate::per_second(100).burst(50);
    queue.limits().set_key_rate("key:llm/complete", "7", small).await.unwrap();
    for _ in 0..2 {
        Complete::new(7, 100).enqueue(queue).await.unwrap();
    }
    eventually("all are done", async || spent.all().len() == 3).await;
    let all = spent.all();
    assert!(all[2].0 - all[1].0 > Duration::from_millis(900), "{:?}", all[2].0 - all[1].0);
    stop(workers).await;
}
