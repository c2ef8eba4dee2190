//! Sequences: the jobs of a key run one after another.

use simple_queue::{Acted, Error, OnConflict};

use super::{InOrder, ORDER, Watch, start, start_many, stop};
use crate::support::{STOP, TestDatabase, eventually};

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
async fn a_sequence_halts_at_a_job_that_failed_for_good_until_it_is_retried_or_skipped() {
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
    assert_eq!(
        queue.admin().as_actor("test").retry(key.halted_by.unwrap()).await.unwrap(),
        Acted::Done
    );
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
