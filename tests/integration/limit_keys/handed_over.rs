//! A backlog of few keys, whose places are handed over without visits.

use std::{collections::HashMap, time::Duration};

use super::{InOrder, TwoAtOnce, Watch};
use crate::support::{STOP, TestDatabase, eventually};
use simple_queue::prelude::*;

/// 20 permits, which ten keys can use up.
const PERMITS: usize = 20;
const KEYS: i64 = 24;
const JOBS: i64 = 1000;

/// The sessions whose last statement was a hand-over.
const HANDED_OVER: &str = "select count(*) from pg_stat_activity
    where datname = current_database() and query like '-- hand\\_over%'";

async fn start(
    database: &TestDatabase,
    watch: &Watch,
) -> (SimpleQueue, simple_queue::WorkerHandle) {
    let queue = database.queue().await.with_global_semaphore(PERMITS);
    queue.register(jobs![TwoAtOnce, InOrder], watch.clone()).unwrap();
    let worker = queue.start().await;
    (queue, worker)
}

async fn settles(database: &TestDatabase, watch: &Watch, most_at_once: usize) {
    eventually("all are done", async || database.is_settled().await).await;
    assert!(database.value::<i64>(HANDED_OVER).await > 0, "places were handed over");
    assert!(watch.seen(|seen| seen.most_at_once) <= most_at_once);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_of_few_keys_keeps_its_limit_and_each_key_has_its_turn() {
    let database = TestDatabase::migrated().await;
    let (watch, enqueuer) = (Watch::open(), database.queue().await);
    // A key takes longer than the time in which it may keep its places.
    for key in 0..KEYS {
        let jobs = (0..JOBS).map(|number| TwoAtOnce::new(key, number));
        TwoAtOnce::enqueue_all(jobs, &enqueuer).await.unwrap();
    }
    let (_queue, worker) = start(&database, &watch).await;
    settles(&database, &watch, 2).await;
    assert_eq!(watch.begun().len(), usize::try_from(KEYS * JOBS).unwrap());
    let mut first_of = HashMap::new();
    for (place, (key, _)) in watch.begun().into_iter().enumerate() {
        first_of.entry(key).or_insert(place);
    }
    // Ten keys have all permits first. The last one does not wait until twenty others are done.
    let last = first_of.into_values().max().unwrap();
    assert!(last < watch.begun().len() / 2, "the last key begins with run {last}");
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequences_stay_in_order_where_their_places_are_handed_over() {
    let database = TestDatabase::migrated().await;
    let (watch, enqueuer) = (Watch::open(), database.queue().await);
    for key in 0..KEYS {
        let jobs = (0..JOBS / 5).map(|number| InOrder::new(key, number));
        InOrder::enqueue_all(jobs, &enqueuer).await.unwrap();
    }
    let (_queue, worker) = start(&database, &watch).await;
    settles(&database, &watch, 1).await;
    assert_eq!(watch.begun().len(), usize::try_from(KEYS * JOBS / 5).unwrap());
    let mut next_of: HashMap<i64, i64> = HashMap::new();
    for (key, number) in watch.begun() {
        let next = next_of.entry(key).or_default();
        assert_eq!(number, *next, "key {key}");
        *next += 1;
    }
    worker.shutdown(STOP).await;
}

#[job(queue = "slow", concurrency(limit = 1, key = "{key}"))]
async fn slow(watch: &Watch, key: i64, number: i64) -> Result<(), BoxDynError> {
    tokio::time::sleep(Duration::from_millis(100)).await;
    watch.run(key, number).await
}

#[tokio::test]
async fn keys_whose_jobs_end_one_by_one_have_their_turn_too() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::open();
    let queue = database.queue().await.with_global_semaphore(5);
    queue.register(jobs![Slow], watch.clone()).unwrap();
    for key in 0..10 {
        let jobs = (0..100).map(|number| Slow::new(key, number));
        Slow::enqueue_all(jobs, &queue).await.unwrap();
    }
    let worker = queue.start().await;
    eventually("each key has begun", async || watch.seen(|seen| seen.running.keys().count()) == 10)
        .await;
    let begun = watch.begun().len();
    assert!(begun < 90, "after {begun} jobs");
    worker.shutdown(STOP).await;
}
