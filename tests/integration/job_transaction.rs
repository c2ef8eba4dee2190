//! What goes wrong with the transaction that a job is handed: the database's trouble is no attempt, and an end
//! that is not the queue's is one.

use std::{sync::Arc, time::Duration};

use simple_queue::{JobStatus, prelude::*};
use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::{Semaphore, mpsc};

use crate::support::{STOP, TestDatabase, eventually};

/// Reports the backend of its transaction, and waits where the test has closed the gate.
struct Gate {
    backends: mpsc::UnboundedSender<i32>,
    open: Semaphore,
}

#[derive(JobState)]
struct App {
    gate: Arc<Gate>,
}

#[job(queue = "ledger", retries = 0)]
async fn book(tx: &mut JobTx) -> Result<(), BoxDynError> {
    sqlx::query("insert into ledger default values").execute(&mut **tx).await?;
    Ok(())
}

#[job(queue = "ledger", retries = 0)]
async fn book_with_context(tx: &mut JobTx) -> anyhow::Result<()> {
    use anyhow::Context;
    let booked = sqlx::query("insert into ledger default values").execute(&mut **tx).await;
    booked.context("booking")?;
    Ok(())
}

#[job(queue = "ledger", retries = 0)]
async fn book_at_leisure(tx: &mut JobTx, gate: &Gate, ending: String) -> Result<(), BoxDynError> {
    sqlx::query("insert into ledger default values").execute(&mut **tx).await?;
    let backend = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut **tx).await?;
    gate.backends.send(backend)?;
    gate.open.acquire().await?.forget();
    match ending.as_str() {
        "a statement" => {
            sqlx::query("select 1").execute(&mut **tx).await?;
        }
        "an error of its own" => {
            let select = sqlx::query("select 1").execute(&mut **tx).await;
            return select.map(|_| ()).map_err(|_| "the books are not to be had".into());
        }
        _ => {}
    }
    Ok(())
}

struct Books {
    database: TestDatabase,
    queue: SimpleQueue,
    gate: Arc<Gate>,
    backends: mpsc::UnboundedReceiver<i32>,
}

/// A ledger, and a queue on a pool with these options.
async fn books(pool: PgPoolOptions) -> Books {
    let database = TestDatabase::migrated().await;
    database.execute("create table ledger (id int generated always as identity)").await;
    let options: PgConnectOptions = database.url.parse().unwrap();
    let pool = pool.connect_with(options.application_name("books")).await.unwrap();
    let queue = SimpleQueue::new(pool);
    let (backends, seen) = mpsc::unbounded_channel();
    let gate = Arc::new(Gate { backends, open: Semaphore::new(0) });
    let app = App { gate: Arc::clone(&gate) };
    queue.register(jobs![Book, BookWithContext, BookAtLeisure], app).unwrap();
    Books { database, queue, gate, backends: seen }
}

impl Books {
    async fn wait_for_all(&self, jobs: i64) {
        let over = async || {
            let ended =
                self.database.count("archive").await + self.database.count("dead_letters").await;
            ended == jobs
        };
        eventually("all are over", over).await;
    }

    /// Checks that each job completed at its first attempt and was booked once.
    async fn assert_booked(&self, jobs: i64, what: &str) {
        assert_eq!(self.database.count("dead_letters").await, 0, "{what}");
        assert_eq!(self.database.count("archive where attempt = 1").await, jobs, "{what}");
        let booked: i64 = self.database.value("select count(*) from ledger").await;
        assert_eq!(booked, jobs, "{what}");
    }
}

#[tokio::test]
async fn connections_that_broke_while_they_were_idle_cost_no_attempt() {
    let pool = PgPoolOptions::new().max_connections(8).test_before_acquire(false);
    let books = books(pool).await;
    let pool: &PgPool = books.queue.pool();
    let acquired = futures_util::future::join_all((0..8).map(|_| pool.acquire())).await;
    assert!(acquired.iter().all(Result::is_ok));
    drop(acquired);
    eventually("all are idle", async || pool.num_idle() == 8).await;
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and application_name = 'books'";
    assert_eq!(books.database.value::<i64>(cut).await, 8);
    let other = books.database.queue().await;
    Book::enqueue_all((0..8).map(|_| Book::new()), &other).await.unwrap();
    let worker = books.queue.start().await;
    books.wait_for_all(8).await;
    worker.shutdown(STOP).await;
    books.assert_booked(8, "cut while idle").await;
}

#[tokio::test]
async fn waiting_for_a_connection_is_waiting_for_a_permit() {
    let pool = PgPoolOptions::new().max_connections(2).acquire_timeout(Duration::from_millis(300));
    let mut books = books(pool).await;
    let other = books.database.queue().await;
    BookAtLeisure::enqueue_all((0..20).map(|_| BookAtLeisure::new("success")), &other)
        .await
        .unwrap();
    let worker = books.queue.start().await;
    for _ in 0..2 {
        books.backends.recv().await.unwrap();
    }
    let waited = async || {
        books.database.count("jobs where lease >= 2").await > 0
            || books.database.count("dead_letters").await > 0
    };
    eventually("one has waited too long", waited).await;
    let claimed = books.database.count("jobs where lease > 0").await;
    assert!(claimed <= 6, "{claimed} were claimed with two connections");
    books.gate.open.add_permits(20);
    books.wait_for_all(20).await;
    worker.shutdown(STOP).await;
    books.assert_booked(20, "waited").await;
    let leases: i64 = books.database.value("select max(lease) from simple_queue.archive").await;
    assert!(leases < 20, "one was claimed and given back {leases} times");
}

#[job(queue = "hurried", retries = 0, timeout = "1s")]
async fn book_in_a_hurry(tx: &mut JobTx) -> Result<(), BoxDynError> {
    sqlx::query("insert into ledger default values").execute(&mut **tx).await?;
    Ok(())
}

#[tokio::test]
async fn the_wait_for_a_connection_is_no_part_of_a_jobs_timeout() {
    let books = books(PgPoolOptions::new().max_connections(1)).await;
    books.queue.register(jobs![BookInAHurry], ()).unwrap();
    let other = books.database.queue().await;
    let held = books.queue.pool().acquire().await.unwrap();
    BookInAHurry::new().enqueue(&other).await.unwrap();
    let worker = books.queue.start().await;
    let late = "jobs where updated_at < now() - interval '1200 ms' and lease = 1";
    let waited = async || {
        books.database.count(late).await > 0 || books.database.count("dead_letters").await > 0
    };
    eventually("it waits for longer than it may run", waited).await;
    drop(held);
    books.wait_for_all(1).await;
    worker.shutdown(STOP).await;
    books.assert_booked(1, "hurried").await;
}

#[tokio::test]
async fn what_the_database_rolled_back_for_its_own_reasons_costs_no_attempt() {
    for code in ["40001", "40P01"] {
        // The first fails in the handler's statement, the other in the commit of the queue.
        for (timing, when) in
            [("before insert", ""), ("after insert", "deferrable initially deferred")]
        {
            let books = books(PgPoolOptions::new().max_connections(5)).await;
            books.database.execute("create sequence refused").await;
            let refuse = format!(
                "create function refuse() returns trigger language plpgsql as $$ begin
                if nextval('refused') <= 2 then raise 'once more' using errcode = '{code}'; end if;
                return new; end $$"
            );
            books.database.execute(&refuse).await;
            let constraint = if when.is_empty() { "" } else { "constraint" };
            let trigger = format!(
                "create {constraint} trigger refuse {timing} on ledger {when}
                for each row execute function refuse()"
            );
            books.database.execute(&trigger).await;
            let worker = books.queue.start().await;
            Book::new().enqueue(&books.queue).await.unwrap();
            BookWithContext::new().enqueue(&books.queue).await.unwrap();
            books.wait_for_all(2).await;
            worker.shutdown(STOP).await;
            books.assert_booked(2, &format!("{code} {timing}")).await;
            let told = "select bool_or(errors::text like '%once more%') from simple_queue.archive";
            assert!(books.database.value::<bool>(told).await, "and why it took longer is kept");
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_while_the_handler_works_costs_no_attempt() {
    for ending in ["success", "a statement", "an error of its own"] {
        let mut books = books(PgPoolOptions::new().max_connections(5)).await;
        BookAtLeisure::new(ending).enqueue(&books.queue).await.unwrap();
        let worker = books.queue.start().await;
        let backend = books.backends.recv().await.unwrap();
        let cut = format!("select pg_terminate_backend({backend}, 5000)");
        assert!(books.database.value::<bool>(&cut).await);
        books.gate.open.add_permits(2);
        books.wait_for_all(1).await;
        worker.shutdown(STOP).await;
        books.assert_booked(1, ending).await;
    }
}

/// Sends statements of its own in the transaction, and succeeds.
#[job(queue = "own", retries = 0)]
async fn send_statements(
    tx: &mut JobTx,
    statements: String,
    fails: bool,
) -> Result<(), BoxDynError> {
    sqlx::query("insert into ledger default values").execute(&mut **tx).await?;
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut **tx).await?;
    if fails { Err("it was told to fail".into()) } else { Ok(()) }
}

/// As `send_statements`, in a transaction of its own.
#[job(queue = "own", retries = 0)]
async fn send_apart(
    context: &JobContext,
    pool: &PgPool,
    statements: String,
) -> Result<(), BoxDynError> {
    let mut tx = pool.begin().await?;
    sqlx::query("insert into ledger default values").execute(&mut *tx).await?;
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut *tx).await?;
    context.finish_in(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

#[derive(JobState)]
struct Pool {
    pool: PgPool,
}

#[tokio::test]
async fn a_transaction_that_its_function_ended_itself_completes_no_job() {
    let books = books(PgPoolOptions::new().max_connections(5)).await;
    let pool = Pool { pool: books.queue.pool().clone() };
    books.queue.register(jobs![SendStatements, SendApart], pool).unwrap();
    let worker = books.queue.start().await;
    let rows = [
        ("rollback", false),
        ("commit", false),
        ("commit; begin", false),
        ("rollback and chain", false),
        ("savepoint s; insert into ledger default values; rollback to savepoint s", true),
        ("savepoint s; release savepoint s", true),
        ("set local statement_timeout = '1s'", true),
    ];
    for (statements, is_well) in rows {
        let in_jobs =
            SendStatements::new(statements, false).enqueue(&books.queue).await.unwrap().id();
        let apart = SendApart::new(statements).enqueue(&books.queue).await.unwrap().id();
        let expected = if is_well { JobStatus::Completed } else { JobStatus::Failed };
        // A transaction that the function begins anew cannot be told from the one that it began first.
        let anew = matches!(statements, "commit; begin" | "rollback and chain");
        for (id, skipped) in [(in_jobs, false), (apart, anew)] {
            let ended = queue_wait(&books, id).await;
            if skipped {
                continue;
            }
            assert_eq!(ended, expected, "{statements}");
            if !is_well {
                let error = format!(
                    "select errors -> 0 ->> 'error' from simple_queue.dead_letters where id = '{id}'"
                );
                let error: String = books.database.value(&error).await;
                assert!(error.contains("`commit` or `rollback`"), "{statements}: {error}");
            }
        }
    }
    worker.shutdown(STOP).await;
}

async fn queue_wait(books: &Books, id: uuid::Uuid) -> JobStatus {
    books.queue.wait(id, STOP).await.unwrap().status
}

#[tokio::test]
async fn a_statement_that_takes_longer_than_the_function_allows_it_uses_the_attempt() {
    let books = books(PgPoolOptions::new().max_connections(5)).await;
    let pool = Pool { pool: books.queue.pool().clone() };
    books.queue.register(jobs![SendStatements], pool).unwrap();
    let worker = books.queue.start().await;
    for statements in ["set local statement_timeout = '1ms'; select pg_sleep(10)", "select 1 / 0"] {
        let id = SendStatements::new(statements, false).enqueue(&books.queue).await.unwrap().id();
        assert_eq!(queue_wait(&books, id).await, JobStatus::Failed, "{statements}");
    }
    let id = SendStatements::new("select 1", true).enqueue(&books.queue).await.unwrap().id();
    assert_eq!(queue_wait(&books, id).await, JobStatus::Failed);
    worker.shutdown(STOP).await;
    assert_eq!(books.database.value::<i64>("select count(*) from ledger").await, 0);
}
