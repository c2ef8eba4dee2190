//! A pooler that lends sessions for a transaction, as pgbouncer does.

use simple_queue::{Error, JobStatus, jobs};
use test_support::{Case, Log, PGBOUNCER, case};

use crate::support::{
    CountEffect, CountRun, Field, Hands, LEDGER_URL, Load, Pooler, Worker, eventually, queue_at,
    rounds,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!(behind_a_pooler_every_statement_has_its_effect).needs(&[PGBOUNCER]),
        case!(a_worker_leaves_nothing_in_a_lent_session).needs(&[PGBOUNCER]),
        case!(behind_a_pooler_a_worker_listens_with_the_direct_url_and_without_it_logs_once_that_it_polls)
            .on_one_thread()
            .needs(&[PGBOUNCER]),
    ]
}

/// 6, fewer than there are connections to the pooler, so that each session is lent to several of them.
const SESSIONS: usize = 6;

async fn behind_a_pooler_every_statement_has_its_effect() {
    let field = Field::shared().await;
    let pooler = Pooler::start(&field.url, SESSIONS, "").await;
    let url = pooler.url(&field.url);
    let queue = queue_at(&url).with_direct_url(&field.url).unwrap();
    queue.migrate().await.unwrap();
    let worker = || {
        Worker::start_with(&url, |command| {
            command.env(LEDGER_URL, &field.url);
        })
    };
    let workers = [worker().await, worker().await];
    let load = Load::start(&queue, 4);
    let mut more = Vec::new();
    for round in 0..rounds(4, 200) {
        let number = -1 - i64::try_from(round).unwrap();
        let enqueued = CountRun::new(number, 0_u64).enqueue(&queue).await.unwrap();
        field.ledger.progress(100).await;
        assert_eq!(queue.status(enqueued.id()).await.unwrap(), JobStatus::Completed);
        more.push((enqueued.id(), number));
    }
    let mut enqueued = load.stop().await;
    enqueued.acknowledged.extend(more);
    assert_eq!(enqueued.refused, 0);
    field.ledger.settle(&enqueued.acknowledged).await;
    // Each worker sent heartbeats, claimed and finished for itself alone.
    let wrong = "simple_queue.archive where attempt <> 1 or crash_count <> 0 or lease <> 1";
    assert_eq!(field.ledger.count(wrong).await, 0);
    for worker in workers {
        worker.terminate().await;
    }
    assert_eq!(field.ledger.count("simple_queue.workers").await, 0);
    // Other databases of this server are migrated meanwhile.
    let left = "select count(*) from pg_locks where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())";
    assert_eq!(field.ledger.value::<i64>(left).await, 0, "no session's lock was left");
}

async fn a_worker_leaves_nothing_in_a_lent_session() {
    let field = Field::shared().await;
    let pooler = Pooler::start(&field.url, 1, "").await;
    let queue = queue_at(&pooler.url(&field.url));
    // A worker sets short timeouts; they must not stay in the session.
    let worker = queue.start().await;
    CountRun::new(1, 0_u64).enqueue(&queue).await.unwrap();
    let timeout: String = sqlx::raw_sql("show statement_timeout")
        .fetch_one(queue.pool())
        .await
        .map(|row| sqlx::Row::get(&row, 0))
        .unwrap();
    assert_eq!(timeout, "0");
    let prepared =
        sqlx::raw_sql("select from pg_prepared_statements").fetch_all(queue.pool()).await;
    assert_eq!(prepared.unwrap().len(), 0);
    worker.shutdown(std::time::Duration::from_secs(5)).await;
}

async fn behind_a_pooler_a_worker_listens_with_the_direct_url_and_without_it_logs_once_that_it_polls()
 {
    let field = Field::shared().await;
    let pooler = Pooler::start(&field.url, SESSIONS, "").await;
    let url = pooler.url(&field.url);
    let (log, _guard) = Log::of_this_thread();
    let refused = queue_at(&url).migrate().await.unwrap_err();
    assert!(matches!(refused, Error::NeedsDirectUrl { .. }), "{refused}");

    let hands = || Hands { pool: field.ledger.pool.clone() };
    let polling = queue_at(&url);
    polling.register(jobs![CountRun, CountEffect], hands()).unwrap();
    let worker = polling.start().await;
    for number in 0..3 {
        CountRun::new(number, 0_u64).enqueue(&field.queue).await.unwrap();
        eventually("it runs", async || field.ledger.ended().await == number + 1).await;
    }
    assert!(field.ledger.listening().await.is_empty());
    worker.shutdown(std::time::Duration::from_secs(5)).await;
    assert_eq!(log.count("LISTEN is not possible through a pooler"), 1);

    let listening = queue_at(&url).with_direct_url(&field.url).unwrap();
    listening.register(jobs![CountRun, CountEffect], hands()).unwrap();
    let worker = listening.start().await;
    eventually("it listens", async || field.ledger.listening().await.len() == 1).await;
    worker.shutdown(std::time::Duration::from_secs(5)).await;
    assert_eq!(log.count("LISTEN is not possible through a pooler"), 1);
}
