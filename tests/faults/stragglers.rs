//! Transactions that stay open for long, and clocks that are wrong.

use std::time::{Duration, Instant};

use simple_queue::Enqueued;
use sqlx::Connection as _;
use test_support::{Case, FAKETIME, case};

use crate::support::{CountRun, Field, Stumbles, Worker, bystander, eventually, rounds};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!(a_snapshot_that_is_held_open_loses_nothing_and_does_not_slow_the_work_down),
        case!(a_job_whose_transaction_commits_late_runs_then_though_others_overtook_it),
        case!(a_worker_whose_clock_is_wrong_runs_nothing_too_early_or_too_late).needs(&[FAKETIME]),
    ]
}

async fn a_snapshot_that_is_held_open_loses_nothing_and_does_not_slow_the_work_down() {
    const BATCH: usize = 500;
    let field = Field::shared().await;
    let mut holder = bystander(&field.url).await.unwrap();
    let hold = "begin isolation level repeatable read; select count(*) from simple_queue.jobs";
    sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
    let workers = field.workers(2).await;
    let (mut acknowledged, mut times) = (Vec::new(), Vec::new());
    for batch in 0..rounds(6, 400) {
        let begun = Instant::now();
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        let numbers: Vec<i64> = numbers.map(|number| i64::try_from(number).unwrap()).collect();
        let jobs = numbers.iter().map(|&number| CountRun::new(number, 0_u64));
        let enqueued = CountRun::enqueue_all(jobs, &field.queue).await.unwrap();
        acknowledged.extend(enqueued.iter().map(Enqueued::id).zip(numbers));
        let all = i64::try_from(acknowledged.len()).unwrap();
        eventually("the batch is done", async || field.ledger.ended().await == all).await;
        times.push(begun.elapsed());
    }
    sqlx::raw_sql("commit").execute(&mut holder).await.unwrap();
    field.ledger.settle(&acknowledged).await;
    let (early, late) = (times[1], times[times.len() - 1]);
    println!("{BATCH} jobs took {early:?} at the beginning and {late:?} at the end");
    assert!(late < early * 5 + Duration::from_secs(1), "it became slower: {times:?}");
    drop(workers);
}

async fn a_job_whose_transaction_commits_late_runs_then_though_others_overtook_it() {
    let field = Field::shared().await;
    let workers = field.workers(2).await;
    let mut late = bystander(&field.url).await.unwrap();
    let mut tx = late.begin().await.unwrap();
    let number = i64::MAX;
    let overtaken = CountRun::new(number, 0_u64).enqueue(&mut tx).await.unwrap().id();
    let load = field.load();
    let begun = Instant::now();
    let open_for = Duration::from_secs(u64::try_from(rounds(3, 60)).unwrap());
    while begun.elapsed() < open_for {
        field.ledger.progress(50).await;
    }
    tx.commit().await.unwrap();
    let committed = Instant::now();
    let run = format!("ledger.runs where number = {number}");
    eventually("it runs", async || field.ledger.count(&run).await == 1).await;
    let waited = committed.elapsed();
    println!("it ran {waited:?} after its commit");
    assert!(waited < Duration::from_secs(5), "it waited {waited:?} after its commit");
    let mut acknowledged = load.stop().await.acknowledged;
    acknowledged.push((overtaken, number));
    field.ledger.settle(&acknowledged).await;
    drop(workers);
}

async fn a_worker_whose_clock_is_wrong_runs_nothing_too_early_or_too_late() {
    for offset in ["-1h", "+1h"] {
        let field = Field::shared().await;
        let worker = Worker::start_with(&field.url, |command| {
            command.env("LD_PRELOAD", FAKETIME.path()).env("FAKETIME", offset);
            // Only the wall clock is wrong.
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        });
        let worker = worker.await;
        // It is due after 1 s and again 1 s after its failure, and another job follows 1 s later.
        let stumbling = Stumbles::new(1).delay(Duration::from_secs(1)).enqueue(&field.queue);
        let stumbling = stumbling.await.unwrap().id();
        eventually("all has run", async || field.ledger.ended().await == 2).await;
        field.ledger.settle(&[(stumbling, 1)]).await;
        let minutes_off =
            "select min(abs(extract(epoch from at - clock)))::int8 / 60 from ledger.runs";
        assert!(field.ledger.value::<i64>(minutes_off).await >= 59, "the clock is wrong enough");
        let waits = "select string_agg(wait, ' ') from (
            select round(extract(epoch from
                r.at - lag(r.at, 1, stored.created_at) over (order by r.at)))::text as wait
            from ledger.runs r
            join simple_queue.archive stored on stored.job_data ->> 'number' = '1'
        ) waits";
        let waits: String = field.ledger.value(waits).await;
        assert_eq!(waits, "1 1 1", "seconds between the steps, with the clock {offset} off");
        worker.terminate().await;
    }
}
