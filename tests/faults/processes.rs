//! Processes that are killed, stopped, or killed by a job.

use simple_queue::JobStatus;
use test_support::{Case, case};

use crate::support::{Aborts, CountRun, Field, eventually, rounds};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!(workers_that_are_killed_again_and_again_lose_nothing),
        case!(workers_that_are_stopped_again_and_again_burn_no_attempt_and_leave_nothing),
        case!(a_job_that_aborts_its_process_each_time_is_a_bad_job_and_its_neighbours_finish),
    ]
}

async fn workers_that_are_killed_again_and_again_lose_nothing() {
    let field = Field::shared().await;
    let mut workers = field.workers(4).await;
    let load = field.load();
    for _ in 0..rounds(6, 500) {
        field.ledger.progress(100).await;
        workers.remove(0).kill();
        workers.push(field.worker().await);
    }
    let enqueued = load.stop().await;
    assert_eq!(enqueued.refused, 0, "the database was there all the time");
    field.ledger.settle(&enqueued.acknowledged).await;
    let burnt = "simple_queue.archive where attempt <> 1";
    assert_eq!(field.ledger.count(burnt).await, 0, "the death of a process is no attempt");
    assert_eq!(field.ledger.count("simple_queue.dead_letters").await, 0);
    assert!(field.ledger.count("simple_queue.archive where crash_count > 0").await > 0);
}

async fn workers_that_are_stopped_again_and_again_burn_no_attempt_and_leave_nothing() {
    let field = Field::shared().await;
    let mut workers = field.workers(4).await;
    let load = field.load();
    for _ in 0..rounds(6, 200) {
        field.ledger.progress(50).await;
        let stopping = workers.drain(..2).map(crate::support::Worker::terminate);
        futures_util::future::join_all(stopping).await;
        workers.extend(field.workers(2).await);
    }
    let enqueued = load.stop().await;
    assert_eq!(enqueued.refused, 0, "the database was there all the time");
    field.ledger.settle(&enqueued.acknowledged).await;
    let burnt = "simple_queue.archive where attempt <> 1 or crash_count <> 0";
    assert_eq!(field.ledger.count(burnt).await, 0);
    let repeated = "(select from ledger.runs group by job_id having count(*) > 1) again";
    assert_eq!(field.ledger.count(repeated).await, 0, "nothing ran twice");
    futures_util::future::join_all(workers.into_iter().map(crate::support::Worker::terminate))
        .await;
    assert_eq!(field.ledger.count("simple_queue.workers").await, 0, "each took its row along");
}

async fn a_job_that_aborts_its_process_each_time_is_a_bad_job_and_its_neighbours_finish() {
    let field = Field::shared().await;
    let aborting = Aborts::new(-1).enqueue(&field.queue).await.unwrap();
    let mut neighbours = Vec::new();
    for number in 0..200 {
        let enqueued = CountRun::new(number, 20_u64).enqueue(&field.queue).await.unwrap();
        neighbours.push((enqueued.id(), number));
    }
    let mut workers = field.workers(2).await;
    let mut deaths = 0;
    eventually("the job is given up", async || {
        for worker in &mut workers {
            if worker.ended().is_some() {
                deaths += 1;
                *worker = field.worker().await;
            }
        }
        field.queue.status(aborting.id()).await.unwrap() == JobStatus::BadJob
    })
    .await;
    assert_eq!(deaths, 6);
    neighbours.push((aborting.id(), -1));
    field.ledger.settle(&neighbours).await;
    assert_eq!(field.ledger.count("simple_queue.dead_letters where status = 'bad_job'").await, 1);
    assert_eq!(field.ledger.count("simple_queue.dead_letters").await, 1);
    assert_eq!(field.ledger.count("simple_queue.dead_letters where attempt <> 0").await, 0);
    assert_eq!(field.ledger.count("simple_queue.archive where attempt <> 1").await, 0);
    assert_eq!(field.ledger.count("ledger.runs where number = -1").await, 6);
}
