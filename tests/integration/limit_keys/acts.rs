//! What an operator does to jobs of keys leaves the turns that lead to the others.

use std::time::Duration;

use chrono::DateTime;
use simple_queue::{Acted, JobFilter, Why, prelude::*};

use super::{InOrder, ORDER, TwoAtOnce, Watch, start, start_many, stop};
use crate::support::{STOP, TestDatabase, eventually};

#[job(queue = "other_keys", name = "two_at_once", concurrency(limit = 2, key = "{key}"))]
async fn two_at_once_elsewhere(watch: &Watch, key: i64, number: i64) -> Result<(), BoxDynError> {
    watch.run(key, number).await
}

#[tokio::test]
async fn jobs_of_keys_start_after_every_change_of_their_place() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::open();
    let (queue, worker) = start(&database, &watch).await;
    let admin = queue.admin().as_actor("ann");
    let hour = Duration::from_hours(1);
    let later = |number| TwoAtOnce::new(number % 3, number).delay(hour);
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(later(number).enqueue(&queue).await.unwrap().id());
    }
    assert_eq!(admin.run_now(ids[0]).await.unwrap(), Acted::Done);
    eventually("one runs", async || watch.begun().len() == 1).await;
    assert_eq!(admin.run_at(ids[1], DateTime::UNIX_EPOCH).await.unwrap(), Acted::Done);
    eventually("two run", async || watch.begun().len() == 2).await;
    assert_eq!(admin.delete(ids[2]).await.unwrap(), Acted::Done);
    let others = JobFilter::later().queue("keys");
    assert_eq!(admin.select(others).run_now().await.unwrap().done, 3);
    // A turn for the time at which a job was due before stays until then.
    let left = async || database.count("jobs").await + database.count("gates").await;
    eventually("nothing is left", async || left().await == 0).await;
    assert_eq!(watch.begun().len(), 5);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_key_goes_along_to_a_queue_where_its_kind_has_the_limit_and_nowhere_else() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::open();
    let (queue, worker) = start(&database, &watch).await;
    let elsewhere = database.queue().await;
    elsewhere.register(jobs![TwoAtOnceElsewhere], watch.clone()).unwrap();
    let other_worker = elsewhere.start().await;
    let rule = "limits where name = 'key:other_keys/two_at_once'";
    eventually("both limits are declared", async || {
        database.count(rule).await == 1 && database.count("limits").await == 3
    })
    .await;
    let admin = queue.admin().as_actor("ann");
    let job = TwoAtOnce::new(7, 1).delay(Duration::from_hours(1)).enqueue(&queue).await.unwrap();
    assert_eq!(admin.move_to(job.id(), "free").await.unwrap(), Acted::Left(Why::OtherLimit));
    let free = database.job().queue("free").kind("two_at_once").insert().await;
    assert_eq!(admin.move_to(free, "keys").await.unwrap(), Acted::Left(Why::OtherLimit));
    let moved =
        admin.edit(job.id()).queue("other_keys").run_at(DateTime::UNIX_EPOCH).await.unwrap();
    assert_eq!(moved, Acted::Done);
    eventually("it runs there", async || watch.begun() == [(7, 1)]).await;
    let done = "archive where gate = 'key:other_keys/two_at_once#7' and queue = 'other_keys'";
    eventually("it is done", async || database.count(done).await == 1).await;
    assert_eq!(admin.delete(free).await.unwrap(), Acted::Done);
    // A turn for the time at which a job was due before stays until then.
    let left = async || database.count("jobs").await + database.count("gates").await;
    eventually("nothing is left", async || left().await == 0).await;
    worker.shutdown(STOP).await;
    other_worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_sequence_stays_in_order_whatever_an_operator_does_to_its_jobs() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::closed();
    let workers = start_many(&database, &watch, 2).await;
    let admin = workers[0].0.admin().as_actor("ann");
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(InOrder::new(1, number).enqueue(&workers[0].0).await.unwrap().id());
    }
    eventually("the first runs", async || watch.running() == 1).await;
    let out_of_order = Acted::Left(Why::InOrder);
    assert_eq!(admin.set_priority(ids[2], -1).await.unwrap(), out_of_order);
    assert_eq!(admin.move_to(ids[2], "keys").await.unwrap(), out_of_order);
    assert_eq!(admin.run_at(ids[2], DateTime::UNIX_EPOCH).await.unwrap(), out_of_order);
    let other_key = serde_json::json!({"key": 2, "number": 2});
    assert_eq!(admin.edit(ids[2]).args(other_key).await.unwrap(), out_of_order);
    let touched = admin.select(JobFilter::live().queue("sequences")).set_priority(3).await.unwrap();
    assert_eq!((touched.done, touched.left_alone), (0, 5));
    assert_eq!(admin.delete(ids[1]).await.unwrap(), Acted::Done);
    assert_eq!(admin.run_now(ids[3]).await.unwrap(), Acted::Done, "it is due");
    watch.gate.add_permits(100);
    eventually("nothing is left", async || database.is_settled().await).await;
    let numbers: Vec<i64> = watch.begun().into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers, [0, 2, 3, 4]);
    stop(workers).await;
}

#[tokio::test]
async fn a_job_of_a_sequence_that_waits_for_its_retry_is_tried_now_or_frees_its_place() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::open();
    let (queue, worker) = start(&database, &watch).await;
    let admin = queue.admin().as_actor("ann");
    for (number, act) in [(10, "run_now"), (20, "delete")] {
        watch.fail(number, 1);
        let first = InOrder::new(number, number).enqueue(&queue).await.unwrap().id();
        // As if its back-off were long.
        let waits = format!("turns where job_id = '{first}'");
        eventually("it waits for its retry", async || {
            let put_off = format!(
                "update simple_queue.turns set due_at = now() + interval '1 hour' where job_id = '{first}'"
            );
            database.execute(&put_off).await == 1
        })
        .await;
        InOrder::new(number, number + 1).enqueue(&queue).await.unwrap();
        assert_eq!(database.count(&waits).await, 1);
        let acted = match act {
            "run_now" => admin.run_now(first).await,
            _ => admin.delete(first).await,
        };
        assert_eq!(acted.unwrap(), Acted::Done);
        eventually("nothing is left", async || database.is_settled().await).await;
        assert_eq!(database.miscounted().await, 0);
    }
    assert_eq!(watch.begun(), [(10, 10), (10, 10), (10, 11), (20, 20), (20, 21)]);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_halted_sequence_goes_on_when_the_dead_job_is_deleted() {
    let database = TestDatabase::migrated().await;
    let watch = Watch::open();
    watch.fail(1, 3);
    let (queue, worker) = start(&database, &watch).await;
    for number in 1..4 {
        InOrder::new(7, number).enqueue(&queue).await.unwrap();
    }
    let halted = async || queue.limits().keys(ORDER, None, 10).await.unwrap().pop();
    eventually("it is halted", async || halted().await.is_some_and(|key| key.halted_by.is_some()))
        .await;
    let admin = queue.admin().as_actor("ann");
    let deleted = admin.select(JobFilter::dead().kind("in_order")).delete().await.unwrap();
    assert_eq!(deleted.done, 1);
    eventually("nothing is left", async || database.is_settled().await).await;
    assert_eq!(watch.begun().last(), Some(&(7, 3)));
    worker.shutdown(STOP).await;
}
