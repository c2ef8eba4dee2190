//! A pooler that lends sessions for a transaction, as pgbouncer does.

use std::sync::{Arc, Mutex, PoisonError};

use simple_queue::{Error, JobStatus, jobs};
use test_support::{Case, PGBOUNCER, case};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{
    CountEffect, CountRun, Field, Hands, LEDGER_URL, Load, Pooler, Worker, eventually, queue_at,
    rounds,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!(behind_a_pooler_every_statement_means_what_it_says).needs(&[PGBOUNCER]),
        case!(what_is_left_in_a_session_that_was_lent_disturbs_nobody).needs(&[PGBOUNCER]),
        case!(with_the_servers_own_url_a_worker_listens_and_without_it_says_once_that_it_polls)
            .on_one_thread()
            .needs(&[PGBOUNCER]),
    ]
}

/// The sessions that listen.
const LISTENING: &str = "select count(*) from pg_stat_activity
    where datname = current_database() and query ilike 'listen%'";

/// Fewer than there are connections to the pooler, so that everybody gets everybody else's.
const SESSIONS: usize = 6;

async fn behind_a_pooler_every_statement_means_what_it_says() {
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
    // A worker beats, claims and finishes for itself alone: nobody was taken for somebody else.
    let wrong = "simple_queue.archive where attempt <> 1 or crash_count <> 0 or lease <> 1";
    assert_eq!(field.ledger.count(wrong).await, 0);
    for worker in workers {
        worker.terminate().await;
    }
    assert_eq!(field.ledger.count("simple_queue.workers").await, 0);
    // Other tests, which migrate, have databases of their own on this server.
    let left = "select count(*) from pg_locks where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())";
    assert_eq!(field.ledger.value::<i64>(left).await, 0, "no session's lock was left");
}

async fn what_is_left_in_a_session_that_was_lent_disturbs_nobody() {
    let field = Field::shared().await;
    let pooler = Pooler::start(&field.url, 1, "").await;
    let queue = queue_at(&pooler.url(&field.url));
    // The roles of a worker have short times; they must not become those of others.
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

async fn with_the_servers_own_url_a_worker_listens_and_without_it_says_once_that_it_polls() {
    let field = Field::shared().await;
    let pooler = Pooler::start(&field.url, SESSIONS, "").await;
    let url = pooler.url(&field.url);
    let said = Said::default();
    let _said = tracing::subscriber::set_default(
        tracing_subscriber::fmt().with_ansi(false).with_writer(said.clone()).finish(),
    );
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
    assert_eq!(field.ledger.value::<i64>(LISTENING).await, 0);
    worker.shutdown(std::time::Duration::from_secs(5)).await;
    assert_eq!(said.count("are not heard through a pooler"), 1);

    let listening = queue_at(&url).with_direct_url(&field.url).unwrap();
    listening.register(jobs![CountRun, CountEffect], hands()).unwrap();
    let worker = listening.start().await;
    eventually("it listens", async || field.ledger.value::<i64>(LISTENING).await == 1).await;
    worker.shutdown(std::time::Duration::from_secs(5)).await;
    assert_eq!(said.count("are not heard through a pooler"), 1);
}

/// What was logged on this thread.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    fn count(&self, text: &str) -> usize {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&said).matches(text).count()
    }
}

impl<'w> MakeWriter<'w> for Said {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl std::io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
