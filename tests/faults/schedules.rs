//! Schedules, while the processes that look after them die, and while their clocks are wrong.

use std::time::Duration;

use simple_queue::Schedule;
use test_support::{Case, FAKETIME, case};

use crate::support::{CountRun, Field, LEDGER_URL, Server, Worker, eventually, full, rounds};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!(processes_that_die_enqueue_every_tick_of_every_schedule_exactly_once),
        case!(a_worker_whose_clock_is_wrong_enqueues_no_tick_too_early_or_too_late)
            .needs(&[FAKETIME]),
    ]
}

const SCHEDULES: i64 = 50;

/// Puts this many schedules that fire each second.
async fn put_schedules(field: &Field) {
    for number in 0..SCHEDULES {
        let often = Schedule::every(Duration::from_secs(1)).unwrap();
        let job = CountRun::new(number, 0_u64);
        field.queue.schedules().put(&format!("often {number}"), job, often).await.unwrap();
    }
}

/// The number of seconds of which each schedule has a tick, from the first to the last.
async fn seconds_of_ticks(field: &Field) -> i64 {
    let seconds =
        "select coalesce(extract(epoch from max(scheduled_at) - min(scheduled_at))::bigint, 0)
        from simple_queue.all_jobs";
    field.ledger.value(seconds).await
}

/// Ends the schedules, and checks that each second from the first to the last has one job of each.
async fn check_ticks(field: &Field) {
    for number in 0..SCHEDULES {
        field.queue.schedules().pause(&format!("often {number}")).await.unwrap();
    }
    eventually("all jobs are done", async || field.ledger.count("simple_queue.jobs").await == 0)
        .await;
    let of_schedules = "(
        select metadata #>> '{@schedule, name}' as name, count(*) as jobs,
            count(distinct scheduled_at) as ticks,
            extract(epoch from max(scheduled_at) - min(scheduled_at)) + 1 as seconds
        from simple_queue.archive group by 1
    ) schedules";
    assert_eq!(field.ledger.count(of_schedules).await, SCHEDULES);
    let wrong = format!("{of_schedules} where jobs <> ticks or ticks <> seconds");
    assert_eq!(field.ledger.count(&wrong).await, 0, "each tick has one job");
    assert_eq!(field.ledger.count("simple_queue.dead_letters").await, 0);
    let never =
        "simple_queue.archive a where not exists (select from ledger.runs r where r.job_id = a.id)";
    assert_eq!(field.ledger.count(never).await, 0, "each job ran");
    let ticks = field.ledger.count("simple_queue.archive").await;
    println!("{ticks} ticks of {SCHEDULES} schedules, each once");
}

async fn processes_that_die_enqueue_every_tick_of_every_schedule_exactly_once() {
    let mut server = Server::start(&[("max_connections", "400")]).await;
    let field = Field::at(server.create_database().await).await;
    put_schedules(&field).await;
    let start = async || {
        Worker::start_with(&field.url, |process| {
            process.env(LEDGER_URL, &field.url);
        })
        .await
    };
    let mut workers = Vec::new();
    for _ in 0..8 {
        workers.push(start().await);
    }
    let rounds = rounds(8, 40);
    for round in 0..rounds {
        let before = seconds_of_ticks(&field).await;
        // Killed at any moment of a second, those of a tick included.
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..500))).await;
        workers.remove(0).kill();
        workers.push(start().await);
        if full() && round % 10 == 9 {
            server.crash_and_restart().await;
        }
        eventually("the next ticks come", async || seconds_of_ticks(&field).await > before).await;
    }
    check_ticks(&field).await;
    for worker in workers {
        worker.terminate().await;
    }
}

async fn a_worker_whose_clock_is_wrong_enqueues_no_tick_too_early_or_too_late() {
    let field = Field::shared().await;
    put_schedules(&field).await;
    let mut workers = vec![field.worker().await];
    for offset in ["-1h", "+1h"] {
        let worker = Worker::start_with(&field.url, |command| {
            command.env("LD_PRELOAD", FAKETIME.path()).env("FAKETIME", offset);
            // Steady clocks do not jump when the wall clock is wrong.
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        })
        .await;
        workers.push(worker);
    }
    eventually("ticks come", async || seconds_of_ticks(&field).await >= 3).await;
    // From now on only processes with a wrong clock are there.
    workers.remove(0).kill();
    eventually("they enqueue the ticks", async || seconds_of_ticks(&field).await >= 8).await;
    check_ticks(&field).await;
    let early = "simple_queue.archive where created_at < scheduled_at";
    assert_eq!(field.ledger.count(early).await, 0);
    let late = "simple_queue.archive where created_at > scheduled_at + interval '30 s'";
    assert_eq!(field.ledger.count(late).await, 0);
    for worker in workers {
        worker.terminate().await;
    }
}
