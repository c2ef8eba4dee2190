//! A network that breaks between a worker or an enqueuer and a server that works.

use std::time::{Duration, Instant};

use simple_queue::{Acted, Enqueue, prelude::*};
use sqlx::postgres::PgPoolOptions;
use test_support::{Case, case};

use crate::support::{
    CountEffect, CountRun, Fault, Field, HEARTBEAT_MS, LEDGER_URL, Proxy, STATEMENT_MS, Worker,
    eventually, queue_at, rounds,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!(a_worker_whose_connections_lead_nowhere_is_replaced_and_comes_back),
        case!(a_statement_whose_answer_was_lost_is_neither_lost_nor_done_twice),
        case!(a_late_network_makes_everything_late_and_nothing_wrong),
        case!(statements_of_a_stalled_worker_that_arrive_late_change_nothing),
        case!(a_worker_that_lost_only_its_listening_connection_listens_again),
        case!(a_session_for_a_rare_look_is_closed_after_it),
        case!(an_enqueue_on_a_connection_that_leads_nowhere_takes_another),
        case!(an_enqueue_on_a_connection_of_the_pool_that_leads_nowhere_takes_another),
        case!(an_insert_of_a_clone_whose_answer_was_lost_is_found_where_it_has_ended),
        case!(an_enqueue_that_is_dropped_half_way_spoils_no_later_one),
    ]
}

async fn a_worker_whose_connections_lead_nowhere_is_replaced_and_comes_back() {
    let field = Field::shared().await;
    let proxy = Proxy::start(&field.url).await;
    // sqlx never gives up a silent connection whose statement was dropped, so the pool of the handlers would run out of
    // them. Theirs go another way.
    let far = Worker::start_with(&proxy.url(&field.url), |process| {
        process.env(LEDGER_URL, &field.url);
    })
    .await;
    let load = field.load();
    for _ in 0..rounds(1, 50) {
        field.ledger.progress(30).await;
        let near = field.worker().await;
        proxy.set(Fault::HalfOpen);
        let returned = "simple_queue.workers";
        eventually("the far one is taken for dead", async || {
            field.ledger.count(returned).await == 1
        })
        .await;
        field.ledger.progress(30).await;
        // The old connections stay silent.
        proxy.set_for_new(Fault::None);
        near.terminate().await;
        field.ledger.progress(30).await;
        // Otherwise the server would have more and more sessions.
        proxy.give_up_silent();
    }
    let enqueued = load.stop().await;
    field.ledger.settle(&enqueued.acknowledged).await;
    assert_eq!(field.ledger.count("simple_queue.dead_letters").await, 0);
    drop(far);
}

async fn a_statement_whose_answer_was_lost_is_neither_lost_nor_done_twice() {
    let field = Field::shared().await;
    let proxy = Proxy::start(&field.url).await;
    let url = proxy.url(&field.url);
    let (queue, _worker) = (queue_at(&url), Worker::start(&url).await);
    let mut acknowledged = Vec::new();
    for round in 0..rounds(1, 50) {
        for statement in ["fetch_jobs", "insert_alike_jobs", "archive_jobs", "COMMIT", "heartbeat"]
        {
            let lost = proxy.lose_answer_to(statement);
            for _ in 0..10 {
                let number = i64::try_from(acknowledged.len()).unwrap();
                let job_id = match statement {
                    "COMMIT" => CountEffect::new(number).enqueue(&queue).await.unwrap().id(),
                    _ => CountRun::new(number, 1_u64).enqueue(&queue).await.unwrap().id(),
                };
                acknowledged.push((job_id, number));
            }
            let lost = tokio::time::timeout(Duration::from_secs(30), lost).await;
            assert!(lost.is_ok(), "no {statement} was sent in round {round}");
        }
    }
    field.ledger.settle(&acknowledged).await;
    let repeated = "(select from ledger.runs group by job_id having count(*) > 1) again";
    assert_eq!(field.ledger.count(repeated).await, 0);
    assert_eq!(field.ledger.count("simple_queue.archive where attempt <> 1").await, 0);
    let ended = i64::try_from(acknowledged.len()).unwrap();
    assert_eq!(field.ledger.count("simple_queue.archive").await, ended);
}

async fn a_late_network_makes_everything_late_and_nothing_wrong() {
    let field = Field::shared().await;
    let proxy = Proxy::start(&field.url).await;
    let url = proxy.url(&field.url);
    // 0.5 s for a round trip.
    proxy.set(Fault::Late(Duration::from_millis(250)));
    let worker = Worker::start_with(&url, |command| {
        command.env(HEARTBEAT_MS, "2000").env(STATEMENT_MS, "10000");
    });
    let worker = worker.await;
    let mut acknowledged = Vec::new();
    // No more jobs at once than the pool of the worker has connections: it is slow, too.
    for _ in 0..rounds(1, 50) {
        for _ in 0..8 {
            let number = i64::try_from(acknowledged.len()).unwrap();
            let job_id = match number % 2 {
                0 => CountRun::new(number, 1_u64).enqueue(&field.queue).await.unwrap().id(),
                _ => CountEffect::new(number).enqueue(&field.queue).await.unwrap().id(),
            };
            acknowledged.push((job_id, number));
        }
        let all = i64::try_from(acknowledged.len()).unwrap();
        eventually("they are done", async || field.ledger.ended().await == all).await;
    }
    field.ledger.settle(&acknowledged).await;
    let wrong = "simple_queue.archive where attempt <> 1 or crash_count <> 0";
    assert_eq!(field.ledger.count(wrong).await, 0);
    worker.terminate().await;
    assert_eq!(field.ledger.count("simple_queue.workers").await, 0);
}

async fn statements_of_a_stalled_worker_that_arrive_late_change_nothing() {
    let field = Field::shared().await;
    let proxy = Proxy::start(&field.url).await;
    let far = Worker::start(&proxy.url(&field.url)).await;
    let load = field.load();
    for _ in 0..rounds(3, 100) {
        field.ledger.progress(30).await;
        let near = field.worker().await;
        let returned = async || {
            field.ledger.count("simple_queue.jobs where crash_count > 0").await
                + field.ledger.count("simple_queue.archive where crash_count > 0").await
        };
        let before = returned().await;
        proxy.set(Fault::Stalled);
        eventually("the far one is taken for dead", async || returned().await > before).await;
        field.ledger.progress(30).await;
        // All statements that it sent meanwhile arrive now.
        proxy.set(Fault::None);
        near.terminate().await;
    }
    let enqueued = load.stop().await;
    field.ledger.settle(&enqueued.acknowledged).await;
    assert_eq!(field.ledger.count("simple_queue.dead_letters").await, 0);
    drop(far);
}

async fn a_worker_that_lost_only_its_listening_connection_listens_again() {
    let field = Field::shared().await;
    let proxy = Proxy::start(&field.url).await;
    let _worker = Worker::start(&proxy.url(&field.url)).await;
    let listening = async || field.ledger.listening().await;
    eventually("it listens", async || listening().await.len() == 1).await;

    assert_eq!(proxy.break_those_that_sent("LISTEN", Fault::Cut), 1);
    eventually("no session listens", async || listening().await.is_empty()).await;
    eventually("it listens again", async || listening().await.len() == 1).await;

    let before = listening().await;
    assert_eq!(proxy.break_those_that_sent("LISTEN", Fault::HalfOpen), 1);
    eventually("it listens on another connection and has closed the old one", async || {
        let now = listening().await;
        now.len() == 1 && now != before
    })
    .await;
}

/// The first look for kinds without a handler comes about 20 s after the start.
async fn a_session_for_a_rare_look_is_closed_after_it() {
    let field = Field::shared().await;
    let proxy = Proxy::start(&field.url).await;
    let worker = Worker::start(&proxy.url(&field.url)).await;
    let lost = proxy.lose_answer_to("fetch_jobs");
    let job_id = CountRun::new(0, 1_u64).enqueue(&field.queue).await.unwrap().id();
    lost.await.unwrap();
    for look in ["return_jobs", "list_unhandled_queues"] {
        eventually("it looks", async || proxy.has_seen(look)).await;
        let open = format!("pg_stat_activity where query like '-- {look}%'");
        eventually("its session is closed", async || field.ledger.count(&open).await == 0).await;
    }
    field.ledger.settle(&[(job_id, 0)]).await;
    worker.terminate().await;
}

async fn an_enqueue_on_a_connection_that_leads_nowhere_takes_another() {
    enqueues_on_a_connection_that_leads_nowhere("insert_alike_jobs", CountRun::new).await;
}

/// Jobs with keys are written on the pool.
async fn an_enqueue_on_a_connection_of_the_pool_that_leads_nowhere_takes_another() {
    let keyed = |number: i64, ms| CountRun::new(number, ms).unique_key(number.to_string());
    enqueues_on_a_connection_that_leads_nowhere("insert_jobs", keyed).await;
}

async fn enqueues_on_a_connection_that_leads_nowhere<J: Into<Enqueue<CountRun>>>(
    statement: &str,
    job: impl Fn(i64, u64) -> J,
) {
    let field = Field::shared().await;
    let proxy = Proxy::start(&field.url).await;
    let queue = queue_at(&proxy.url(&field.url));
    let enqueue = async |number| job(number, 0).into().enqueue(&queue).await.unwrap();
    enqueue(0).await;
    eventually("the connection is idle", async || {
        queue.pool().num_idle() == usize::try_from(queue.pool().size()).unwrap()
    })
    .await;
    proxy.set(Fault::HalfOpen);
    proxy.set_for_new(Fault::None);
    let start = Instant::now();
    enqueue(1).await;
    assert!(start.elapsed() > Duration::from_secs(1), "the old connection was not tried");
    assert_eq!(field.ledger.count("simple_queue.jobs").await, 2);

    // The next connection works when it is taken from the pool, and leads nowhere when it is used.
    let vanished = proxy.vanish_at(statement);
    let patience = Duration::from_secs(20);
    let enqueued = tokio::time::timeout(patience, enqueue(2)).await;
    enqueued.expect("it takes another connection");
    vanished.await.unwrap();
    assert_eq!(field.ledger.count("simple_queue.jobs").await, 3);
}

/// The id of a clone may have been used, so the insert is told from an earlier one by its lease.
async fn an_insert_of_a_clone_whose_answer_was_lost_is_found_where_it_has_ended() {
    let field = Field::shared().await;
    let proxy = Proxy::start(&field.url).await;
    let queue = queue_at(&proxy.url(&field.url));
    for _ in 0..rounds(2, 20) {
        let job = Job::new("nobody", 1);
        let lost = proxy.lose_answer_to("insert_jobs");
        let stored = queue.insert_job(job.clone()).await.unwrap();
        lost.await.unwrap();
        assert_eq!(stored, Some(job.id));
        assert_eq!(queue.insert_job(job.clone()).await.unwrap(), None);
        let lost = proxy.lose_answer_to("cancel_jobs");
        assert!(queue.cancel(job.id).await.unwrap(), "the lost answer said so");
        lost.await.unwrap();
        let lost = proxy.lose_answer_to("redrive_dead_letters");
        let retried = queue.admin().as_actor("test").retry(job.id).await.unwrap();
        assert_eq!(retried, Acted::Done);
        lost.await.unwrap();
        assert!(queue.cancel(job.id).await.unwrap());
    }
}

async fn an_enqueue_that_is_dropped_half_way_spoils_no_later_one() {
    let field = Field::shared().await;
    let proxy = Proxy::start(&field.url).await;
    let options = proxy.url(&field.url).parse().unwrap();
    // With one connection the next call finds what a dropped one leaves behind.
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    let queue = SimpleQueue::new(pool);
    proxy.set(Fault::Late(Duration::from_millis(10)));
    let mut acknowledged = Vec::new();
    for patience in (5..120).step_by(5).map(Duration::from_millis) {
        let two = ["one", "other"].map(|key| Job::new("nobody", ()).with_unique_key(key));
        // Jobs with keys take a transaction, which is dropped at the point that it has reached.
        drop(tokio::time::timeout(patience, queue.insert_jobs(two.to_vec())).await);
        // A job with a key is written on the same pool.
        let next = Job::new("nobody", ()).with_unique_key(format!("{patience:?}"));
        acknowledged.push(queue.insert_job(next).await.unwrap().unwrap());
    }
    for id in acknowledged {
        let found = format!("simple_queue.jobs where id = '{id}'");
        assert_eq!(field.ledger.count(&found).await, 1, "an acknowledged job was not committed");
    }
}
