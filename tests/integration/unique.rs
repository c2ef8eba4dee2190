//! Only one live job may have a unique key.

use std::collections::{HashMap, HashSet};

use futures_util::future::join_all;
use simple_queue::{EnqueueOutcome, Error, prelude::*};

use crate::support::{Probe, STOP, Say, TestDatabase, Working, working};

#[job(queue = "emails", unique = "user:{user_id}")]
async fn welcome_once(user_id: i64, template: String) {
    let _ = (user_id, template);
}

#[job(queue = "emails", unique)]
async fn same_arguments_once(user_id: i64, template: String) {
    let _ = (user_id, template);
}

#[job(queue = "emails", unique)]
async fn same_map_once(counts: HashMap<String, HashMap<u32, f64>>, note: Option<String>) {
    let _ = (counts, note);
}

#[job(queue = "emails", unique(by = [counts]))]
async fn same_counts_once(counts: HashMap<String, HashMap<u32, f64>>, note: String) {
    let _ = (counts, note);
}

#[job(queue = "emails", unique = "{name}")]
async fn named_once(name: String) {
    let _ = name;
}

#[tokio::test]
async fn a_duplicate_is_no_error_and_names_the_live_job() {
    let database = TestDatabase::migrated().await;
    let first = WelcomeOnce::new(1, "a").enqueue(&database.pool).await.unwrap();
    let second = WelcomeOnce::new(1, "b").enqueue(&database.pool).await.unwrap();
    let other = WelcomeOnce::new(2, "c").enqueue(&database.pool).await.unwrap();

    assert_eq!(second.outcome(), EnqueueOutcome::Duplicate);
    assert_eq!(second.id(), first.id());
    assert!(other.is_new());
    let keys = "select string_agg(unique_key, ' ' order by unique_key) from simple_queue.jobs";
    assert_eq!(database.value::<String>(keys).await, "welcome_once:user:1 welcome_once:user:2");
    assert_eq!(
        database
            .value::<String>(
                "select job_data ->> 'template' from simple_queue.jobs where unique_key like '%:1'"
            )
            .await,
        "a",
        "the live job is left as it is"
    );
}

#[tokio::test]
async fn without_a_template_all_arguments_make_the_key() {
    let database = TestDatabase::migrated().await;
    let enqueue = |template| SameArgumentsOnce::new(1, template).enqueue(&database.pool);
    assert!(enqueue("a").await.unwrap().is_new());
    assert!(enqueue("b").await.unwrap().is_new());
    assert!(!enqueue("a").await.unwrap().is_new());
}

#[tokio::test]
async fn equal_maps_make_equal_keys_whatever_the_order_of_their_entries() {
    let database = TestDatabase::migrated().await;
    // Each map has its own seed, and so its own order.
    let counts = |zero: f64| {
        let inner = || (0..20).map(|n| (n, if n == 0 { zero } else { f64::from(n) })).collect();
        (0..20).map(|n| (format!("\"{n}"), inner())).collect::<HashMap<String, HashMap<_, _>>>()
    };
    assert_eq!(counts(0.0), counts(-0.0));
    for (round, zero) in [0.0, -0.0, 0.0, -0.0].into_iter().enumerate() {
        let job = SameMapOnce::new(counts(zero), None).enqueue(&database.pool).await.unwrap();
        assert_eq!(job.is_new(), round == 0, "all arguments, {round}");
        let job = SameCountsOnce::new(counts(zero), "").enqueue(&database.pool).await.unwrap();
        assert_eq!(job.is_new(), round == 0, "some arguments, {round}");
    }
    assert!(SameCountsOnce::find(counts(0.0), &database.pool).await.unwrap().is_some());
    assert!(SameMapOnce::find(counts(-0.0), None, &database.pool).await.unwrap().is_some());
    assert!(!SameMapOnce::cancel(counts(1.0), None, &database.pool).await.unwrap());
    assert!(SameMapOnce::cancel(counts(0.0), None, &database.pool).await.unwrap());
}

/// What serde writes for two arguments, each of them chosen by whoever enqueues, cannot be made equal to
/// that of another job: the key is a hash for which no two texts are known.
#[tokio::test]
async fn the_key_of_arguments_is_a_cryptographic_hash_of_their_json() {
    let database = TestDatabase::migrated().await;
    SameArgumentsOnce::new(1, "a").enqueue(&database.pool).await.unwrap();
    let key = "select unique_key = 'same_arguments_once:' || encode(sha256('{\"template\":\"a\",\"user_id\":1}'), 'hex')
        from simple_queue.jobs";
    assert!(database.value::<bool>(key).await);
}

#[tokio::test]
async fn two_hundred_concurrent_enqueues_of_one_key_leave_one_job_and_all_learn_its_id() {
    let database = TestDatabase::migrated().await;
    let queues = join_all((0..8).map(|_| database.queue())).await;
    let enqueued = join_all((0..200).map(|n| {
        let queue = &queues[n % queues.len()];
        async move { WelcomeOnce::new(1, n.to_string()).enqueue(queue).await.unwrap() }
    }))
    .await;

    assert_eq!(enqueued.iter().filter(|job| job.is_new()).count(), 1);
    assert_eq!(enqueued.iter().map(simple_queue::Enqueued::id).collect::<HashSet<_>>().len(), 1);
    assert_eq!(database.count("jobs").await, 1);
}

#[tokio::test]
async fn duplicates_within_one_batch_are_found_too() {
    let database = TestDatabase::migrated().await;
    let jobs = [3, 1, 2, 1, 3].map(|user_id| WelcomeOnce::new(user_id, "hi"));
    let enqueued = WelcomeOnce::enqueue_all(jobs, &database.pool).await.unwrap();

    let new: Vec<bool> = enqueued.iter().map(simple_queue::Enqueued::is_new).collect();
    assert_eq!(new.iter().filter(|&&is_new| is_new).count(), 3, "{new:?}");
    assert_eq!(enqueued[0].id(), enqueued[4].id());
    assert_eq!(enqueued[1].id(), enqueued[3].id());
    assert_eq!(database.count("jobs").await, 3);
}

#[tokio::test]
async fn two_batches_that_share_keys_in_opposite_order_never_deadlock() {
    let database = TestDatabase::migrated().await;
    for round in 0..10 {
        let keys: Vec<i64> = (0..200).map(|n| round * 1000 + n).collect();
        let batch = |keys: Vec<i64>| async {
            let jobs = keys.into_iter().map(|key| WelcomeOnce::new(key, "hi"));
            WelcomeOnce::enqueue_all(jobs, &database.pool).await.unwrap()
        };
        let reversed = keys.iter().rev().copied().collect();
        let (there, back) = tokio::join!(batch(keys), batch(reversed));
        assert_eq!(there.iter().chain(&back).filter(|job| job.is_new()).count(), 200);
    }
}

#[tokio::test]
async fn an_open_transaction_that_holds_a_key_delays_no_other_key() {
    let database = TestDatabase::migrated().await;
    let mut tx = database.pool.begin().await.unwrap();
    WelcomeOnce::new(1, "held").enqueue(&mut tx).await.unwrap();

    assert!(WelcomeOnce::new(2, "free").enqueue(&database.pool).await.unwrap().is_new());
    assert!(NamedOnce::new("plain").enqueue(&database.pool).await.unwrap().is_new());

    // A call that wants the held key waits for the transaction, and then gets it.
    let waiting = WelcomeOnce::new(1, "next").enqueue(&database.pool);
    let (waited, rolled_back) = tokio::join!(waiting, tx.rollback());
    rolled_back.unwrap();
    assert!(waited.unwrap().is_new());
}

#[tokio::test]
async fn a_key_that_comes_out_empty_or_too_long_is_refused() {
    let database = TestDatabase::migrated().await;
    for name in ["", &"x".repeat(600)] {
        let error = NamedOnce::new(name).enqueue(&database.pool).await.unwrap_err();
        assert!(matches!(error, Error::InvalidKey { .. }), "{error}");
    }
    assert_eq!(database.count("jobs").await, 0);
}

#[tokio::test]
async fn a_cancellation_by_key_answers_whether_a_live_job_has_it() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    WelcomeOnce::new(1, "a").enqueue(&queue).await.unwrap();
    assert!(!queue.cancel_job_by_unique_key("user:1").await.unwrap(), "as it is declared");
    let found = WelcomeOnce::find(1, &queue).await.unwrap().expect("it waits");
    assert_eq!(found.payload().unwrap().template, "a");
    let stored = Job::from(found).unique_key.expect("it has a key");
    assert_eq!(stored, "welcome_once:user:1");
    assert!(queue.cancel_job_by_unique_key(&stored).await.unwrap(), "as it is stored");
    assert!(!queue.cancel_job_by_unique_key(&stored).await.unwrap(), "it is over");

    for _ in 0..2 {
        queue.insert_job(Job::new("emails", 1).with_fingerprint("group")).await.unwrap();
    }
    assert_eq!(queue.cancel_all_jobs_by_fingerprint("groop").await.unwrap(), 0);
    assert_eq!(queue.cancel_all_jobs_by_fingerprint("group").await.unwrap(), 2);
}

#[tokio::test]
async fn a_key_is_free_again_when_its_job_has_ended() {
    let Working { database, queue, worker, .. } = working().await;
    for _ in 0..3 {
        let job = Probe::job(Say::Success).with_unique_key("once");
        let id = queue.insert_job(job).await.unwrap().expect("no live job has the key");
        queue.wait(id, STOP).await.unwrap();
    }
    worker.shutdown(STOP).await;
    assert_eq!(database.count("archive where unique_key = 'once'").await, 3);
}
