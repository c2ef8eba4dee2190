//! A handler's effects and its job's completion in one transaction.

use simple_queue::{JobStatus, prelude::*};

use crate::support::{STOP, TestDatabase, eventually};

#[job(queue = "ledger", retries = 2, backoff = "none")]
async fn book(
    context: &JobContext,
    pool: &sqlx::PgPool,
    gate: &tokio::sync::Semaphore,
    amount: i64,
    ending: String,
) -> Result<(), BoxDynError> {
    gate.acquire().await?.forget();
    let mut tx = pool.begin().await?;
    sqlx::query("insert into ledger (attempt, amount) values ($1, $2)")
        .bind(context.attempt())
        .bind(amount)
        .execute(&mut *tx)
        .await?;
    context.finish_in(&mut tx).await?;
    match ending.as_str() {
        "commit, then fail" => {
            tx.commit().await?;
            return Err("too late to fail".into());
        }
        "forget at first" if context.attempt() == 1 => drop(tx),
        "fail at first" if context.attempt() == 1 => return Err("rolled back".into()),
        _ => tx.commit().await?,
    }
    Ok(())
}

#[derive(JobState)]
struct App {
    pool: sqlx::PgPool,
    gate: std::sync::Arc<tokio::sync::Semaphore>,
}

async fn ledger(database: &TestDatabase, open: usize) -> (SimpleQueue, App) {
    database.execute("create table ledger (attempt int, amount bigint)").await;
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(open));
    (database.queue().await, App { pool: database.pool.clone(), gate })
}

#[tokio::test]
async fn effects_and_completion_commit_together_exactly_once() {
    for (ending, attempt) in
        [("commit", 1), ("commit, then fail", 1), ("forget at first", 2), ("fail at first", 2)]
    {
        let database = TestDatabase::migrated().await;
        let (queue, app) = ledger(&database, 10).await;
        queue.register(jobs![Book], app).unwrap();
        let worker = queue.start().await;
        let id = Book::new(100, ending).enqueue(&queue).await.unwrap().id();
        assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Completed, "{ending}");
        worker.shutdown(STOP).await;
        let booked: (i32, i64, i64) =
            sqlx::query_as("select max(attempt), sum(amount)::bigint, count(*) from ledger")
                .fetch_one(&database.pool)
                .await
                .unwrap();
        assert_eq!(booked, (attempt, 100, 1), "{ending}");
        assert_eq!(database.count("archive").await, 1, "{ending}");
        assert_eq!(database.count("dead_letters").await, 0, "{ending}");
    }
}

/// As `book`, in the transaction of its queue.
#[job(queue = "ledger", retries = 1, backoff = "none")]
async fn book_in(
    tx: &mut JobTx,
    context: &JobContext,
    amount: i64,
    fails: i32,
) -> Result<(), BoxDynError> {
    sqlx::query("insert into ledger (attempt, amount) values ($1, $2)")
        .bind(context.attempt())
        .bind(amount)
        .execute(&mut **tx)
        .await?;
    if context.attempt() <= fails {
        return Err("rolled back".into());
    }
    Follow::new(amount).enqueue(tx).await?;
    Ok(())
}

#[job(queue = "elsewhere")]
async fn follow(amount: i64) {
    let _ = amount;
}

#[tokio::test]
async fn a_transaction_that_is_handed_in_commits_with_the_success_and_with_nothing_else() {
    for (fails, status, booked) in
        [(0, JobStatus::Completed, 1), (1, JobStatus::Completed, 1), (2, JobStatus::Failed, 0)]
    {
        let database = TestDatabase::migrated().await;
        let (queue, _) = ledger(&database, 0).await;
        queue.register(jobs![BookIn], ()).unwrap();
        let worker = queue.start().await;
        let id = BookIn::new(100, fails).enqueue(&queue).await.unwrap().id();
        assert_eq!(queue.wait(id, STOP).await.unwrap().status, status, "{fails}");
        worker.shutdown(STOP).await;
        assert_eq!(database.value::<i64>("select count(*) from ledger").await, booked, "{fails}");
        let followed = "jobs where queue = 'elsewhere'";
        assert_eq!(database.count(followed).await, booked, "{fails}");
    }
}

#[tokio::test]
async fn a_run_that_lost_its_lease_cannot_commit_its_effects() {
    let database = TestDatabase::migrated().await;
    let (queue, app) = ledger(&database, 0).await;
    let gate = std::sync::Arc::clone(&app.gate);
    queue.register(jobs![Book], app).unwrap();
    Book::new(100, "commit").enqueue(&queue).await.unwrap();
    let worker = queue.start().await;
    eventually("it runs", async || database.count("jobs where lease = 1").await == 1).await;
    assert_eq!(database.take_jobs_away().await, 1);
    gate.add_permits(1);
    worker.shutdown(STOP).await;
    assert_eq!(database.value::<i64>("select count(*) from ledger").await, 0);
    assert_eq!(database.count("jobs where lease = 3").await, 1);
}

#[tokio::test]
async fn a_cancellation_that_holds_the_row_for_a_moment_does_not_look_like_a_lost_lease() {
    let database = TestDatabase::migrated().await;
    let (queue, app) = ledger(&database, 0).await;
    let gate = std::sync::Arc::clone(&app.gate);
    queue.register(jobs![Book], app).unwrap();
    let id = Book::new(100, "commit").enqueue(&queue).await.unwrap().id();
    let worker = queue.start().await;
    eventually("it runs", async || database.count("jobs where lease = 1").await == 1).await;
    let mut tx = database.pool.begin().await.unwrap();
    sqlx::query("select from simple_queue.jobs for update").execute(&mut *tx).await.unwrap();
    gate.add_permits(1);
    let waiting = "select count(*) > 0 from pg_stat_activity
        where datname = current_database() and state = 'idle in transaction'
            and query like '-- read_leases%'";
    eventually("it met the lock", async || database.value::<bool>(waiting).await).await;
    tx.rollback().await.unwrap();
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Completed);
    worker.shutdown(STOP).await;
    assert_eq!(database.value::<i64>("select count(*) from ledger").await, 1);
}

#[tokio::test]
async fn a_job_that_is_run_by_hand_cannot_be_finished() {
    let database = TestDatabase::migrated().await;
    let (queue, app) = ledger(&database, 1).await;
    let job = Job::new("ledger", serde_json::json!({"amount": 1, "ending": "commit"}));
    let handler = Book::handler(std::sync::Arc::new(app));
    let error = handler.process(&queue, &job).await.unwrap_err();
    let expected = format!("the lease of job {} is lost: another process", job.id);
    assert!(error.to_string().starts_with(&expected), "{error}");
    assert_eq!(database.value::<i64>("select count(*) from ledger").await, 0);
}

#[job(queue = "limited")]
async fn tell_limit(
    context: &JobContext,
    pool: &sqlx::PgPool,
    told: &tokio::sync::mpsc::UnboundedSender<String>,
) -> Result<(), BoxDynError> {
    let mut tx = pool.begin().await?;
    context.finish_in(&mut tx).await?;
    let limit = "select current_setting('idle_in_transaction_session_timeout')";
    told.send(sqlx::query_scalar(limit).fetch_one(&mut *tx).await?)?;
    tx.commit().await?;
    told.send(sqlx::query_scalar(limit).fetch_one(pool).await?)?;
    Ok(())
}

#[derive(JobState)]
struct Limits {
    pool: sqlx::PgPool,
    told: tokio::sync::mpsc::UnboundedSender<String>,
}

#[tokio::test]
async fn a_transaction_that_has_finished_its_job_does_not_wait_long_for_a_client_that_is_gone() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    // One connection, so that a setting that is left behind would be seen.
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(1);
    let pool = pool.connect(&database.url).await.unwrap();
    queue.register(jobs![TellLimit], Limits { pool, told }).unwrap();
    TellLimit::new().enqueue(&queue).await.unwrap();
    let worker = queue.start().await;
    assert_eq!(hears.recv().await.as_deref(), Some("10s"), "as long as a statement may take");
    assert_eq!(hears.recv().await.as_deref(), Some("0"), "as before");
    worker.shutdown(STOP).await;
}
