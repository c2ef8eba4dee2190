//! A bad row costs itself only: whatever is in the tables, its neighbours run and heartbeats go on.

mod values;

use std::time::{Duration, Instant};

use simple_queue::{SimpleQueue, prelude::*};
use uuid::Uuid;

use values::{COLUMNS, OF_JOBS, OF_PROCESSES, random};

use crate::support::{Log, Probe, STOP, Say, TestDatabase, eventually};

/// Inserts a job with this value, in the queue of its neighbours.
fn pending(column: &str, value: &str) -> String {
    format!(
        "insert into simple_queue.jobs (id, queue, job_data, metadata)
         values (gen_random_uuid(), 'probe', '\"Success\"', '{{\"is\": \"new\"}}');
         {}",
        change(column, value)
    )
}

/// Inserts a job with this value that a dead process holds.
fn orphaned(column: &str, value: &str) -> String {
    format!(
        "with dead as (
             insert into simple_queue.workers (id, heartbeat_interval, heartbeat_at, pid, host, queues)
             values (gen_random_uuid(), '10 ms', now() - interval '1 day', 1, 'gone', '{{probe}}') returning id
         )
         insert into simple_queue.jobs (id, queue, job_data, worker_id, metadata)
         select gen_random_uuid(), 'probe', '\"Success\"', id, '{{\"is\": \"new\"}}' from dead;
         {}",
        change(column, value)
    )
}

/// Writes this value into the new job alone.
fn change(column: &str, value: &str) -> String {
    format!(
        "update simple_queue.jobs set {column} = {value} where metadata ->> 'is' = 'new';
         update simple_queue.jobs set metadata = '{{}}' where metadata ->> 'is' = 'new'"
    )
}

/// Inserts the row of a process with this value.
fn process(column: &str, value: &str) -> String {
    format!(
        "with dead as (
             insert into simple_queue.workers (id, heartbeat_interval, pid, host, queues)
             values (gen_random_uuid(), '5 s', 1, 'hostile', '{{probe}}') returning id
         )
         select from dead;
         update simple_queue.workers set {column} = {value} where host = 'hostile'"
    )
}

/// Statements that raw SQL allows and no caller of the library sends.
fn hostile() -> Vec<String> {
    let nested = "(repeat('[', 5000) || repeat(']', 5000))::jsonb";
    let of_jobs = OF_JOBS.map(|(column, value)| {
        let value = if value.starts_with("repeat('['") { nested } else { value };
        (column, value)
    });
    let as_pending = of_jobs.iter().map(|(column, value)| pending(column, value));
    let as_orphaned = of_jobs.iter().map(|(column, value)| orphaned(column, value));
    let of_processes = OF_PROCESSES.iter().map(|(column, value)| process(column, value));
    as_pending
        .chain(as_orphaned)
        .chain(of_processes)
        .chain([
            "update simple_queue.upkeep set done_at = 'infinity'".to_owned(),
            "insert into simple_queue.queues (name, paused_at) values ('other', 'infinity')".to_owned(),
            "insert into simple_queue.jobs (id, queue, job_data, priority)
             select gen_random_uuid(), 'probe', '\"Success\"', n from generate_series(1000, 9000) n"
                .to_owned(),
        ])
        .collect()
}

/// 2 s, within which half of the neighbours end; on an idle machine all of them do.
const USUALLY: Duration = Duration::from_secs(2);

/// 10 s, within which every neighbour ends on a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// The time that each neighbour took.
#[derive(Default)]
struct Waits(Vec<Duration>);

impl Waits {
    async fn of(&mut self, database: &TestDatabase, queue: &SimpleQueue, beside: &str) {
        let mut job = Probe::job(Say::Success);
        job.fingerprint = Some("neighbour".to_owned());
        self.add(database, beside, async || queue.insert_job(job).await.unwrap().unwrap()).await;
    }

    /// The same of a job that waits behind none of them: it is in another queue, which the same statements serve.
    async fn of_another_queue(
        &mut self,
        database: &TestDatabase,
        queue: &SimpleQueue,
        beside: &str,
    ) {
        let enqueue = async || Neighbour::new().enqueue(queue).await.unwrap().id();
        self.add(database, beside, enqueue).await;
    }

    async fn add(
        &mut self,
        database: &TestDatabase,
        beside: &str,
        enqueue: impl AsyncFnOnce() -> Uuid,
    ) {
        self.0.push(a_neighbour_runs(database, beside, enqueue).await);
    }

    fn are_short(mut self) {
        self.0.sort_unstable();
        let (median, longest) = (self.0[self.0.len() / 2], self.0.last().unwrap());
        println!("{} neighbours took {median:?} at the median, {longest:?} at most", self.0.len());
        assert!(median < USUALLY, "half of the neighbours took longer than {median:?}");
    }
}

#[job(queue = "neighbours")]
async fn neighbour() {}

async fn a_neighbour_runs(
    database: &TestDatabase,
    beside: &str,
    enqueue: impl AsyncFnOnce() -> Uuid,
) -> Duration {
    let began = Instant::now();
    let id = enqueue().await;
    let done = format!("archive where id = '{id}'");
    eventually(&format!("a neighbour is done beside {beside}"), async || {
        database.count(&done).await == 1
    })
    .await;
    let took = began.elapsed();
    if took > USUALLY / 4 {
        println!("a neighbour took {took:?} beside {beside}");
    }
    assert!(took < SOON, "a neighbour took {took:?} beside {beside}");
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_hostile_row_after_another_holds_up_no_neighbour_and_no_heartbeat() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    let mut waits = Waits::default();
    for statements in hostile() {
        // The table refuses some of them, which is as good.
        if let Err(error) =
            sqlx::raw_sql(sqlx::AssertSqlSafe(statements.as_str())).execute(&database.pool).await
        {
            println!("{statements}: {error}");
            continue;
        }
        waits.of(&database, &queue, &statements).await;
    }
    waits.are_short();
    let beats = "workers where host not in ('gone') and host not like 'hostile%'
        and heartbeat_at > now() - interval '5 s'";
    eventually("the worker beats", async || database.count(beats).await == 1).await;
    worker.shutdown(STOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_hostile_rows_at_once_hold_up_no_neighbour_and_all_of_them_end() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    for statements in hostile() {
        if let Err(error) =
            sqlx::raw_sql(sqlx::AssertSqlSafe(statements.as_str())).execute(&database.pool).await
        {
            println!("{statements}: {error}");
        }
    }
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    let mut waits = Waits::default();
    for _ in 0..5 {
        waits.of(&database, &queue, "all of them").await;
    }
    waits.are_short();
    eventually("all of them have ended", async || {
        database.count("jobs where priority < 1000").await == 0
    })
    .await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_is_cancelled_whatever_is_in_its_row() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    for (column, value) in OF_JOBS {
        let statements = pending(column, value);
        // The table refuses some of them, which is as good.
        if let Err(error) =
            sqlx::raw_sql(sqlx::AssertSqlSafe(statements.as_str())).execute(&database.pool).await
        {
            println!("{statements}: {error}");
            continue;
        }
        let id = database.value("select id from simple_queue.jobs").await;
        let cancelled = queue.cancel(id).await;
        assert!(matches!(cancelled, Ok(true)), "{column} = {value}: {cancelled:?}");
        assert_eq!(database.count("jobs").await, 0, "{column} = {value}");
    }
    let kept = database.count("dead_letters where keep_until < now() + interval '1 year'").await;
    assert_eq!(kept, 0, "a span that is negative says nothing");
}

#[job(queue = "declared")]
async fn declared() {}

#[tokio::test]
async fn unserved_queues_and_kinds_are_logged_whatever_is_in_their_rows() {
    let database = TestDatabase::migrated().await;
    for (column, value) in OF_JOBS {
        for queue in ["'nobody'", "'declared'"] {
            let statements = pending(column, value).replace("'probe'", queue);
            if let Err(error) = sqlx::raw_sql(sqlx::AssertSqlSafe(statements.as_str()))
                .execute(&database.pool)
                .await
            {
                println!("{statements}: {error}");
            }
        }
    }
    let (log, _guard) = Log::of_this_thread();
    let queue = database.queue().await;
    queue.register(jobs![Declared], ()).unwrap();
    let worker = queue.start().await;
    // The first search comes 20 s after the start.
    eventually("both are logged", async || {
        log.count("in a queue that no worker serves") > 0
            && log.count("of a kind that this process does not run") > 0
    })
    .await;
    worker.shutdown(STOP).await;
}

/// Whether enough random rows were written: ten rounds, or an hour in the full form of the fault suite.
fn is_over(rounds: usize, began: Instant) -> bool {
    match std::env::var("SIMPLE_QUEUE_FAULTS").as_deref() {
        Ok("full") => began.elapsed() > Duration::from_hours(1),
        _ => rounds >= 10,
    }
}

/// 20 rounds, after which the jobs that wait for ever are deleted. Thousands of priorities that no process serves are
/// the matter of another test.
const ROUNDS_KEPT: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_rows_hold_up_no_neighbour() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register_handler(Probe::new());
    queue.register(jobs![Neighbour], ()).unwrap();
    let worker = queue.start().await;
    let (began, mut rounds, mut waits) = (Instant::now(), 0, Waits::default());
    while !is_over(rounds, began) {
        let columns: Vec<String> = COLUMNS
            .iter()
            .filter(|_| fastrand::f64() < 0.3)
            .map(|(column, of)| format!("{column} = {}", random(of)))
            .collect();
        let set = format!("update simple_queue.jobs set {}", columns.join(", "));
        let insert = |worker: &str| {
            format!(
                "insert into simple_queue.jobs (id, queue, job_data, metadata, worker_id)
                 select gen_random_uuid(), 'probe', '\"Success\"', '{{\"is\": \"new\"}}', {worker}
                 from generate_series(1, 20);
                 {set} where metadata ->> 'is' = 'new';
                 update simple_queue.jobs set metadata = '{{}}' where metadata ->> 'is' = 'new'"
            )
        };
        if !columns.is_empty() {
            for rows in [insert("null"), insert("gen_random_uuid()")] {
                // The table may refuse a value.
                if let Err(error) =
                    sqlx::raw_sql(sqlx::AssertSqlSafe(rows.as_str())).execute(&database.pool).await
                {
                    println!("{rows}: {error}");
                }
            }
        }
        waits.of_another_queue(&database, &queue, &set).await;
        rounds += 1;
        if rounds % ROUNDS_KEPT == 0 {
            database.execute("delete from simple_queue.jobs where worker_id is null").await;
        }
    }
    waits.are_short();
    worker.shutdown(STOP).await;
}
