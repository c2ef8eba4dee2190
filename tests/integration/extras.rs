//! Options of one call: a timeout of its job's own, and metadata.

use std::time::Duration;

use serde_json::{Value, json};
use simple_queue::{Error, JobStatus, OnConflict, prelude::*};
use tokio::sync::mpsc;

use crate::support::{STOP, TestDatabase};

struct Read(mpsc::UnboundedSender<Option<Value>>);

#[job(queue = "extras", retries = 0, timeout = "1h", unique = "{n}")]
async fn tell_metadata(read: &Read, context: &JobContext, n: u32) -> Result<(), BoxDynError> {
    read.0.send(context.metadata().await?)?;
    if n == 0 { std::future::pending().await } else { Ok(()) }
}

#[tokio::test]
async fn a_job_has_the_metadata_and_the_timeout_that_its_call_gave_it() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let (sender, mut read) = mpsc::unbounded_channel();
    queue.register(jobs![TellMetadata], std::sync::Arc::new(Read(sender))).unwrap();
    let metadata = json!({"trace": "a1", "tenant": 7});
    // Long enough to read the metadata on a busy machine too.
    let short = Duration::from_secs(2);
    let slow =
        TellMetadata::new(0).timeout(short).metadata(&metadata).enqueue(&queue).await.unwrap();
    let found = TellMetadata::find(0, &queue).await.unwrap().unwrap();
    assert_eq!(found.metadata::<Value>().unwrap(), Some(metadata.clone()));
    assert!(
        found.metadata::<u8>().unwrap_err().to_string().contains("its metadata has another type")
    );
    // Some of a batch have it, and others do not.
    let batch = [
        TellMetadata::new(1).metadata(json!({"n": 1})),
        TellMetadata::new(2).into(),
        TellMetadata::new(3).timeout(Duration::from_mins(1)),
    ];
    TellMetadata::enqueue_all(batch, &queue).await.unwrap();
    assert_eq!(database.count("jobs where timeout = '60 s' and metadata is null").await, 1);
    assert_eq!(database.count("jobs where timeout is null and metadata is null").await, 1);

    let worker = queue.start().await;
    let ended = queue.wait(slow.id(), STOP).await.unwrap();
    assert_eq!(ended.status, JobStatus::Failed);
    assert_eq!(database.count("dead_letters where metadata ->> 'trace' = 'a1'").await, 1);
    let errors: Value = database.value("select errors from simple_queue.dead_letters").await;
    assert!(errors.to_string().contains("took longer than its timeout of 2s"), "{errors}");
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(read.recv().await.unwrap());
    }
    assert_eq!(seen.iter().filter(|it| it.is_none()).count(), 2, "{seen:?}");
    assert!(seen.contains(&Some(metadata)) && seen.contains(&Some(json!({"n": 1}))), "{seen:?}");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_that_takes_the_place_of_another_brings_its_own_extras() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let minute = Duration::from_mins(1);
    let first = TellMetadata::new(1).timeout(minute).metadata(json!({"n": 1}));
    first.enqueue(&queue).await.unwrap();
    let second = TellMetadata::new(1).on_conflict(OnConflict::Replace).metadata(json!({"n": 2}));
    second.enqueue(&queue).await.unwrap();
    let right = "jobs where timeout is null and metadata = '{\"n\": 2}'";
    assert_eq!(database.count(right).await, 1);
    let third = TellMetadata::new(1).on_conflict(OnConflict::Replace);
    third.enqueue(&queue).await.unwrap();
    assert_eq!(database.count("jobs where timeout is null and metadata is null").await, 1);
}

#[tokio::test]
async fn extras_that_cannot_be_stored_are_refused_before_anything_is_written() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let job = || TellMetadata::new(1);
    for (job, expected) in [
        (job().timeout(Duration::ZERO), "the timeout of a job cannot be stored: an attempt needs"),
        (job().timeout(Duration::from_nanos(1)), "the timeout of a job cannot be stored"),
        (
            job().metadata(7),
            "the metadata of a job cannot be stored: it must serialize as a JSON object",
        ),
        (job().metadata(json!({"a": "x".repeat(70_000)})), "the limit is 65536"),
        (job().metadata(json!({"a": "\0"})), "it holds a NUL character"),
        (job().metadata(std::collections::BTreeMap::from([("a", f64::NAN)])), "NaN"),
    ] {
        let refused = job.enqueue(&queue).await.unwrap_err();
        assert!(matches!(refused, Error::InvalidOption { .. }), "{refused}");
        assert!(refused.to_string().contains(expected), "{expected}: {refused}");
    }
    assert_eq!(database.count("jobs").await, 0);
}
