//! Jobs, runs and effects, counted apart from the library.

use std::time::{Duration, Instant};

use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use test_support::DEADLINE;
use uuid::Uuid;

/// The tables of the suite, and queries that wait while the server is away.
#[derive(Clone)]
pub(crate) struct Ledger {
    pub(crate) pool: PgPool,
}

const TABLES: &str = "
    create schema ledger;
    create table ledger.acknowledged (job_id uuid not null, number bigint not null);
    create table ledger.runs (
        job_id uuid not null, number bigint not null, attempt integer not null, pid integer not null,
        at timestamptz not null default now(), clock timestamptz not null
    );
    create table ledger.effects (job_id uuid not null, number bigint not null);
    create table ledger.at_once (number bigint not null, runs bigint not null);
    create index on ledger.runs (job_id);
";

const PAUSE: Duration = Duration::from_millis(20);

/// The jobs that have not ended, and the processes that may hold them.
const LEFT: &str = "
    select jsonb_pretty(jsonb_build_object(
        'now', now(),
        'jobs', (select jsonb_agg(to_jsonb(j)) from simple_queue.jobs j),
        'runs', (select jsonb_agg(to_jsonb(r)) from ledger.runs r join simple_queue.jobs j on j.id = r.job_id),
        'workers', (select jsonb_agg(to_jsonb(w)) from simple_queue.workers w)
    ))
";

/// Errors of which there must be none, each with a query that counts them.
const WRONGS: &[(&str, &str)] = &[
    ("jobs that are still there", "select count(*) from simple_queue.jobs"),
    (
        "acknowledged jobs that are lost",
        "select count(*) from ledger.acknowledged k
         where not exists (select from simple_queue.archive a where a.id = k.job_id)
             and not exists (select from simple_queue.dead_letters d where d.id = k.job_id)",
    ),
    (
        "jobs that ended twice",
        "select count(*) from (
            select id from (
                select id from simple_queue.archive union all select id from simple_queue.dead_letters
            ) ended group by id having count(*) > 1
        ) twice",
    ),
    (
        "jobs that were enqueued once and are two",
        "select count(*) from (
            select job_data ->> 'number' from (
                select job_data from simple_queue.archive
                union all select job_data from simple_queue.dead_letters
            ) ended group by 1 having count(*) > 1
        ) twice",
    ),
    (
        "jobs that are done and never ran",
        "select count(*) from simple_queue.archive a
         where kind = 'count_run' and not exists (select from ledger.runs r where r.job_id = a.id)",
    ),
    (
        "jobs whose effect did not happen exactly once",
        "select count(*) from (
            select a.id from simple_queue.archive a left join ledger.effects e on e.job_id = a.id
            where a.kind = 'count_effect' group by a.id having count(e.job_id) <> 1
        ) wrong",
    ),
    (
        "effects of jobs that are not done",
        "select count(*) from ledger.effects e
         where not exists (select from simple_queue.archive a where a.id = e.job_id)",
    ),
];

impl Ledger {
    pub(crate) fn open(url: &str) -> Self {
        let options: PgConnectOptions = url.parse().unwrap();
        let options = options.application_name("ledger");
        let pool = PgPoolOptions::new().max_connections(3).connect_lazy_with(options);
        Self { pool }
    }

    pub(crate) async fn make(&self) {
        sqlx::raw_sql(TABLES).execute(&self.pool).await.unwrap();
    }

    /// The one value that a query returns, as soon as a server answers; fails after [`DEADLINE`].
    pub(crate) async fn value<T>(&self, sql: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let start = Instant::now();
        loop {
            match sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.pool).await {
                Ok(value) => return value,
                Err(error) if start.elapsed() > DEADLINE => panic!("{sql}: {error}"),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// The number of rows of a table, or of a table with a condition.
    pub(crate) async fn count(&self, from: &str) -> i64 {
        self.value(&format!("select count(*) from {from}")).await
    }

    /// Executes statements once.
    pub(crate) async fn execute(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&self.pool)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The number of jobs that have ended.
    pub(crate) async fn ended(&self) -> i64 {
        self.value(
            "select (select count(*) from simple_queue.archive)
                + (select count(*) from simple_queue.dead_letters)",
        )
        .await
    }

    /// Ends every session of the database but the one that asks; returns how many.
    pub(crate) async fn end_sessions(&self) -> i64 {
        self.value(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()",
        )
        .await
    }

    /// The ids of the server's processes whose sessions listen.
    pub(crate) async fn listening(&self) -> Vec<i32> {
        self.value(
            "select coalesce(array_agg(pid), '{}') from pg_stat_activity
            where datname = current_database() and query ilike 'listen%'",
        )
        .await
    }

    /// Waits until this many more jobs have ended.
    pub(crate) async fn progress(&self, jobs: i64) {
        let until = self.ended().await + jobs;
        super::eventually(&format!("{jobs} more jobs end"), async || self.ended().await >= until)
            .await;
    }

    /// Waits until fewer jobs than this are left, so that the last ones end in time.
    pub(crate) async fn backlog_below(&self, jobs: i64) {
        let is_short = async || self.count("simple_queue.jobs").await < jobs;
        super::eventually(&format!("fewer than {jobs} jobs are left"), is_short).await;
    }

    /// Waits until every job has ended, and checks that no acknowledged job is lost or ended twice.
    pub(crate) async fn settle(&self, acknowledged: &[(Uuid, i64)]) {
        let all_end = async {
            while self.count("simple_queue.jobs").await > 0 {
                tokio::time::sleep(PAUSE).await;
            }
        };
        let in_time = tokio::time::timeout(DEADLINE, all_end).await;
        assert!(in_time.is_ok(), "not all jobs end: {}", self.value::<String>(LEFT).await);
        let (ids, numbers): (Vec<Uuid>, Vec<i64>) = acknowledged.iter().copied().unzip();
        sqlx::query(
            "insert into ledger.acknowledged select * from unnest($1::uuid[], $2::bigint[])",
        )
        .bind(ids)
        .bind(numbers)
        .execute(&self.pool)
        .await
        .unwrap();
        for (what, sql) in WRONGS {
            let found: i64 = self.value(sql).await;
            assert_eq!(found, 0, "{what}");
        }
    }
}
