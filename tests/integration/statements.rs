//! The statements themselves: each is one the server accepts, and the hot ones find their rows.

use std::{collections::BTreeMap, fs, path::Path};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr};

use crate::support::TestDatabase;

fn statements() -> BTreeMap<String, String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("simple-queue/src/store/sql");
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[tokio::test]
async fn every_statement_begins_with_its_name_and_is_one_the_server_can_prepare() {
    let database = TestDatabase::migrated().await;
    let mut connection = database.pool.acquire().await.unwrap();
    for (name, sql) in statements() {
        assert_eq!(sql.lines().next(), Some(format!("-- {name}").as_str()));
        assert!(!sql.to_lowercase().contains("select *"), "{name} must list its columns");
        // What changes a table's structure cannot be prepared; the janitor's tests carry it out.
        if !name.ends_with("archive_partition") {
            let statement = AssertSqlSafe(sql).into_sql_str();
            connection.prepare(statement).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

/// The plan of a statement as a prepared one gets it after some executions: without the values.
async fn generic_plan(connection: &mut PgConnection, name: &str, arguments: &str) -> String {
    let sql = &statements()[name];
    for statement in
        ["set plan_cache_mode = force_generic_plan".to_owned(), format!("prepare hot as {sql}")]
    {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await.unwrap();
    }
    let explain = format!("explain (costs off) execute hot({arguments})");
    let lines: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(connection).await.unwrap();
    lines.join("\n")
}

#[tokio::test]
async fn no_hot_statement_scans_the_table_of_jobs() {
    let database = TestDatabase::migrated().await;
    database
        .execute(
            "insert into simple_queue.jobs (id, queue, job_data, priority, unique_key, fingerprint)
             select gen_random_uuid(), 'q' || n % 10, '{}', n % 3, 'key' || n, 'print' || n % 1000
             from generate_series(1, 100000) n",
        )
        .await;
    database.execute("vacuum analyze simple_queue.jobs").await;
    let id = "'01a202c7-f117-7578-92ff-7b69cae0e360'";
    let demand = r#"'[{"queue": "q1", "permits": 100, "kinds": null}]'"#;
    let ids = format!("array[{id}]::uuid[], array[1]");
    let hot = [
        ("fetch_jobs", format!("{id}, {demand}, 100")),
        ("archive_jobs", format!("{id}, {ids}, array[null::jsonb]")),
        (
            "retry_jobs",
            format!(
                "{id}, {ids}, array[interval '1 s'], array[now()], array[0], array[0], array['e'], 'channel'"
            ),
        ),
        (
            "dead_letter_jobs",
            format!("{id}, {ids}, array['failed'], array['r'], array[0], array['e']"),
        ),
        ("read_leases", format!("{id}, {ids}")),
        ("heartbeat", format!("{id}, array['q1'], array[{id}]::uuid[]")),
        ("cancel_jobs", format!("array[{id}]::uuid[], 'channel'")),
        ("find_jobs_by_unique_key", "array['key1']".to_owned()),
        ("find_jobs_by_fingerprint", "'print1'".to_owned()),
        ("find_jobs_anywhere", format!("array[{id}]::uuid[]")),
        ("read_status", id.to_owned()),
    ];
    for (name, arguments) in hot {
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        let plan = generic_plan(&mut connection, name, &arguments).await;
        assert!(!plan.contains("Seq Scan on jobs"), "{name}:\n{plan}");
        if name == "fetch_jobs" {
            assert!(plan.contains("Tid Scan on jobs"), "{name}:\n{plan}");
            assert!(plan.contains("using jobs_fetch on jobs"), "{name}:\n{plan}");
        }
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_claim_touches_no_index() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) = (database.queue().await, crate::support::Probe::new());
    let jobs = (0..500).map(|_| crate::support::Probe::job(crate::support::Say::WaitForGate));
    queue.insert_jobs(jobs.collect()).await.unwrap();
    queue.register_handler(probe.clone());
    let queue = queue.with_queue_default_semaphore_size(500);
    let worker = queue.start().await;
    for _ in 0..500 {
        probe.next_run().await;
    }
    crate::support::eventually("the statistics tell", async || {
        database
            .value::<i64>("select n_tup_upd from pg_stat_user_tables where relname = 'jobs'")
            .await
            >= 500
    })
    .await;
    let hot: f64 = database
        .value("select n_tup_hot_upd::float8 / n_tup_upd from pg_stat_user_tables where relname = 'jobs'")
        .await;
    assert!(hot > 0.95, "only {hot} of the claims were HOT");
    probe.open_gate(500);
    worker.shutdown(crate::support::STOP).await;
}
