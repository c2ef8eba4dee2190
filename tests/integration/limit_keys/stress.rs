//! Keys of all sizes under load: arrivals, failures and restarts of workers during the work.

use simple_queue::{WorkerHandle, prelude::*};

use super::{Watch, stop};
use crate::support::{STOP, TestDatabase, eventually};

#[job(queue = "stress", retries = 3, backoff = "none", concurrency(limit = 1, key = "{key}"))]
async fn one_by_one(watch: &Watch, key: i64, number: i64) -> Result<(), BoxDynError> {
    watch.run(key, number).await
}

#[job(queue = "stress", retries = 3, backoff = "none", concurrency(limit = 2, key = "{key}"))]
async fn in_pairs(watch: &Watch, key: i64, number: i64) -> Result<(), BoxDynError> {
    watch.run(key, number).await
}

#[job(queue = "stress", retries = 3, backoff = fixed("20ms"), concurrency(limit = 3, key = "{key}"))]
async fn in_threes(watch: &Watch, key: i64, number: i64) -> Result<(), BoxDynError> {
    watch.run(key, number).await
}

#[job(queue = "stress", retries = 3, backoff = "none", concurrency(limit = 10, key = "{key}"))]
async fn in_tens(watch: &Watch, key: i64, number: i64) -> Result<(), BoxDynError> {
    watch.run(key, number).await
}

async fn start(database: &TestDatabase, watch: &Watch) -> (SimpleQueue, WorkerHandle) {
    let queue = database.queue().await;
    queue.register(jobs![OneByOne, InPairs, InThrees, InTens], watch.clone()).unwrap();
    let worker = queue.start().await;
    (queue, worker)
}

/// Runs ten rounds of jobs of so many keys, of which a tenth fails once, on four workers that are restarted in turn.
async fn stress(limit: usize, keys: i64, enqueue: impl AsyncFn(&SimpleQueue, Vec<(i64, i64)>)) {
    const ROUNDS: i64 = 10;
    const JOBS: i64 = 60;
    let database = TestDatabase::migrated().await;
    let watch = Watch::open();
    for number in (0..ROUNDS * JOBS).step_by(10) {
        watch.fail(number, 1);
    }
    let mut workers = Vec::new();
    for _ in 0..4 {
        workers.push(start(&database, &watch).await);
    }
    for round in 0..ROUNDS {
        let numbers = round * JOBS..(round + 1) * JOBS;
        // Neighbours share a key, and so do jobs of other rounds.
        let jobs = numbers.map(|number| ((number / 3) % keys, number)).collect();
        enqueue(&workers[0].0, jobs).await;
        assert_eq!(database.miscounted().await, 0, "limit {limit}, {keys} keys, round {round}");
        if round % 5 == 4 {
            let (_, stopped) = workers.remove(0);
            stopped.shutdown(STOP).await;
            workers.push(start(&database, &watch).await);
        }
    }
    eventually("all are done", async || database.is_settled().await).await;
    let (begun, failed) = (watch.begun().len(), ROUNDS * JOBS / 10);
    assert_eq!(i64::try_from(begun).unwrap(), ROUNDS * JOBS + failed);
    assert!(watch.seen(|seen| seen.most_at_once) <= limit);
    assert_eq!(database.count("dead_letters").await, 0);
    stop(workers).await;
}

#[tokio::test]
async fn keys_with_one_place_stay_counted_under_load() {
    for keys in [3, 300] {
        stress(1, keys, async |queue, jobs| {
            let jobs = jobs.into_iter().map(|(key, number)| OneByOne::new(key, number));
            OneByOne::enqueue_all(jobs, queue).await.unwrap();
        })
        .await;
    }
}

#[tokio::test]
async fn keys_with_two_places_stay_counted_under_load() {
    for keys in [5, 2000] {
        stress(2, keys, async |queue, jobs| {
            let jobs = jobs.into_iter().map(|(key, number)| InPairs::new(key, number));
            InPairs::enqueue_all(jobs, queue).await.unwrap();
        })
        .await;
    }
}

#[tokio::test]
async fn keys_with_three_places_stay_counted_under_load() {
    for keys in [3, 20] {
        stress(3, keys, async |queue, jobs| {
            let jobs = jobs.into_iter().map(|(key, number)| InThrees::new(key, number));
            InThrees::enqueue_all(jobs, queue).await.unwrap();
        })
        .await;
    }
}

#[tokio::test]
async fn keys_with_ten_places_stay_counted_under_load() {
    for keys in [3, 30] {
        stress(10, keys, async |queue, jobs| {
            let jobs = jobs.into_iter().map(|(key, number)| InTens::new(key, number));
            InTens::enqueue_all(jobs, queue).await.unwrap();
        })
        .await;
    }
}
