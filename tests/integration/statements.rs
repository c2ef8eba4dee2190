//! The statements themselves: each is one the server accepts, and the hot ones find their rows.

use std::{collections::BTreeMap, fs, path::Path};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr};

use crate::support::TestDatabase;

fn statements() -> BTreeMap<String, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("simple-queue/src");
    let directory = source.join("store/sql");
    let read = |directory: &Path| -> BTreeMap<String, String> {
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let files = entries.filter(|path| path.extension().is_some_and(|ending| ending == "sql"));
        let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
        files.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
    };
    let mut files = read(&directory);
    files.extend(read(&source.join("database/sql")));
    let mut others: BTreeMap<String, String> = BTreeMap::new();
    for name in ["finish_jobs", "overwrite_dead_letter"] {
        others.insert(name.to_owned(), files.remove(name).unwrap());
    }
    let parts = read(&directory.join("parts"));
    for sql in files.values_mut() {
        for (name, part) in &others {
            *sql = sql.replace(&format!("\\ir {name}.sql\n"), part);
        }
        for (name, part) in &parts {
            *sql = sql.replace(&format!("\\ir parts/{name}.sql\n"), part);
        }
    }
    files
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

/// The plan of a statement, either as a prepared one gets it after some executions, without the values,
/// or as the first executions get it, with them.
async fn plan(connection: &mut PgConnection, mode: &str, name: &str, arguments: &str) -> String {
    prepare(connection, mode, name).await;
    let explain = format!("explain execute hot({arguments})");
    let lines: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(connection).await.unwrap();
    lines.join("\n")
}

/// Prepares a statement under the name `hot`.
async fn prepare(connection: &mut PgConnection, mode: &str, name: &str) {
    let sql = &statements()[name];
    for statement in [format!("set plan_cache_mode = {mode}"), format!("prepare hot as {sql}")] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await.unwrap();
    }
}

/// A database whose table of jobs is filled so and analyzed, and a connection to it.
async fn filled(insert: &str) -> (TestDatabase, PgConnection) {
    let database = TestDatabase::migrated().await;
    database.execute(insert).await;
    database.execute("vacuum analyze simple_queue.jobs").await;
    let connection = PgConnection::connect(&database.url).await.unwrap();
    (database, connection)
}

/// Those that run all the time, each with arguments.
fn hot_statements() -> Vec<(&'static str, String)> {
    let id = "'01a202c7-f117-7578-92ff-7b69cae0e360'";
    let demand = r#"'[{"queue": "q1", "permits": 1000, "priorities": [1], "probe_after": -32769, "probes": 64, "shares": [
        {"permits": 1000, "kinds": null, "excluded": ["x"], "floors": [{
            "priority": 1, "run_at": "2026-01-01T00:00:00Z", "id": "01a202c7-f117-7578-92ff-7b69cae0e360"
        }]},
        {"permits": 5, "kinds": ["x"], "excluded": [], "floors": []}
    ]}]'"#;
    // As many as a statement is ever given: for so many the planner is tempted to read the whole table.
    let of = |value: &str| format!("array_fill({value}, array[1000])");
    let (id_list, numbers) = (of(&format!("{id}::uuid")), of("1::bigint"));
    let done = format!("{id}, {id_list}, {numbers}, {}, true", of("null::text"));
    let (zeros, texts) = (of("0"), of("'failed'::text"));
    let (keys, queues) = (of("'key1'::text"), of("'q1'::text"));
    vec![
        ("fetch_jobs", format!("{done}, false, {demand}, 1000, '0.6 s'")),
        ("fetch_jobs", format!("{done}, true, {demand}, 1000, '0.6 s'")),
        ("claim_overtaken_jobs", format!("{id}, {id_list}")),
        (
            "find_overtaken_jobs",
            r#"'[{"part": 0, "queue": "q1", "priority": 1, "kinds": null, "excluded": [],
                "from_run_at": null, "from_id": null, "until_run_at": null, "until_id": null
            }]', 1000, '0.6 s'"#
                .to_owned(),
        ),
        ("claim_suspect", format!("{id}, {demand}")),
        ("find_lane", "'q1', -32769, 32768".to_owned()),
        ("archive_jobs", format!("{done}, false")),
        ("archive_jobs", format!("{done}, true")),
        (
            "retry_jobs",
            format!(
                "{id}, {id_list}, {numbers}, {}, {}, {zeros}, {zeros}, {texts}, 'channel', {}, {zeros}",
                of("interval '1 s'"),
                of("now()"),
                of("true")
            ),
        ),
        (
            "dead_letter_jobs",
            format!("{id}, {id_list}, {numbers}, {texts}, {texts}, {zeros}, {texts}"),
        ),
        (
            "replace_jobs",
            format!(
                "{id_list}, {queues}, {queues}, {}, {}, {}, {}, {zeros}, {keys}, {queues}, {}, {}, {zeros}, {}, 'channel', true, {}, {}",
                of("0::smallint"),
                of("'{}'::text"),
                of("now()"),
                of("null::interval"),
                of("null::interval"),
                of("null::text"),
                of("null::interval"),
                of("null::interval"),
                of("null::text"),
            ),
        ),
        (
            "reschedule_jobs",
            format!("{keys}, {}, {}, 'channel', true", of("now()"), of("null::interval")),
        ),
        ("heartbeat", format!("{id}, array['q1'], {id_list}")),
        ("read_leases", format!("{id}, array[{id}]::uuid[], array[1]")),
        ("cancel_jobs", format!("array[{id}]::uuid[], 'channel', true")),
        ("redrive_dead_letters", format!("{id_list}, true, 'channel'")),
        ("find_jobs_by_unique_key", "array['key1']".to_owned()),
        ("find_jobs_by_fingerprint", "'print1'".to_owned()),
        ("find_jobs_anywhere", format!("array[{id}]::uuid[]")),
        ("read_end", id.to_owned()),
        ("find_live_job", "'key1'".to_owned()),
    ]
}

#[tokio::test]
async fn no_hot_statement_scans_the_table_of_jobs() {
    let (_database, mut connection) = filled(
        "insert into simple_queue.jobs (id, queue, job_data, priority, unique_key, fingerprint)
         select gen_random_uuid(), 'q' || n % 10, '{}', n % 3, 'key' || n, 'print' || n % 1000
         from generate_series(1, 1000000) n",
    )
    .await;
    let hot = hot_statements();
    for mode in ["force_generic_plan", "force_custom_plan"] {
        for (name, arguments) in &hot {
            let plan = plan(&mut connection, mode, name, arguments).await;
            assert!(!plan.contains("Seq Scan on jobs"), "{name}, {mode}:\n{plan}");
            // What seems to cost more is compiled first, for longer than it takes.
            let cost = plan.split("..").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
            let cost: f64 = cost.parse().unwrap();
            assert!(cost < 100_000.0, "{name}, {mode} seems to cost {cost}:\n{plan}");
            if *name == "fetch_jobs" {
                assert!(plan.contains("Tid Scan on jobs"), "{name}, {mode}:\n{plan}");
                assert!(plan.contains("using jobs_fetch on jobs"), "{name}, {mode}:\n{plan}");
                // The scan begins at the floor: it is no filter.
                let begins_at_floor = |line: &str| {
                    line.contains("Index Cond") && line.contains("ROW(run_at, id) >= ROW(")
                };
                assert!(plan.lines().any(begins_at_floor), "{name}, {mode}:\n{plan}");
                assert!(
                    !plan.contains("Bitmap Index Scan on jobs_fetch"),
                    "{name}, {mode}: reads a lane to its end\n{plan}"
                );
            }
            sqlx::raw_sql("deallocate hot").execute(&mut connection).await.unwrap();
        }
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn what_is_buried_over_an_earlier_death_takes_every_column_with_it() {
    let database = TestDatabase::migrated().await;
    let columns: Vec<String> = database
        .value(
            "select array_agg(attname::text) from pg_attribute
            where attrelid = 'simple_queue.dead_letters'::regclass and attnum > 0 and not attisdropped",
        )
        .await;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("simple-queue/src");
    let directory = source.join("store/sql");
    let part = fs::read_to_string(directory.join("overwrite_dead_letter.sql")).unwrap();
    for column in columns.iter().filter(|column| *column != "id") {
        assert!(part.contains(&format!("{column} = excluded.{column}")), "{column}");
    }
}

#[tokio::test]
async fn a_look_reads_a_few_pages_whatever_waits_for_a_later_time() {
    let (_database, mut connection) = filled(
        "insert into simple_queue.jobs (id, queue, kind, job_data, priority, run_at)
         select gen_random_uuid(), 'q1', 'kind' || n % 2, '{}', n % 3, now() + interval '1 day'
         from generate_series(1, 200000) n",
    )
    .await;
    prepare(&mut connection, "force_generic_plan", "fetch_jobs").await;
    for kinds in ["null", r#"["kind1"]"#, r#"["others"]"#] {
        let look = format!(
            r#"explain (analyze, buffers, format json) execute hot(
                gen_random_uuid(), '{{}}', '{{}}', '{{}}', true, true,
                '[{{"queue": "q1", "permits": 100, "priorities": [], "probe_after": -32769, "probes": 64, "shares": [
                    {{"permits": 100, "kinds": {kinds}, "excluded": [], "floors": []}}
                ]}}]', 100, '0.6 s'
            )"#
        );
        let plan: serde_json::Value =
            sqlx::query_scalar(AssertSqlSafe(look)).fetch_one(&mut connection).await.unwrap();
        let pages = ["Shared Hit Blocks", "Shared Read Blocks"]
            .map(|pages| plan[0]["Plan"][pages].as_i64().unwrap());
        assert!(pages.iter().sum::<i64>() < 1000, "{kinds}: {pages:?} pages are read");
    }
    connection.close().await.unwrap();
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

#[tokio::test]
async fn a_worker_that_began_with_an_empty_table_does_not_read_a_full_one_whole() {
    const MANY: i64 = 20_000;
    let database = TestDatabase::migrated().await;
    // Plans are made anew when the table is analyzed, which is at most once in a minute.
    database.execute("alter table simple_queue.jobs set (autovacuum_enabled = off)").await;
    // Upkeep reads it whole now and then.
    database.execute("update simple_queue.upkeep set done_at = now()").await;
    let queue = database.queue().await.with_queue_default_semaphore_size(500);
    queue.register_handler(crate::support::Probe::new());
    let worker = queue.start().await;
    let done = async |count: i64| {
        let all_done = async || {
            count == database.value::<i64>("select count(*) from simple_queue.archive").await
        };
        crate::support::eventually("all jobs are done", all_done).await;
    };
    let jobs = |count| (0..count).map(|_| crate::support::Probe::job(crate::support::Say::Success));
    queue.insert_jobs(jobs(1).collect()).await.unwrap();
    done(1).await;
    queue.insert_jobs(jobs(MANY).collect()).await.unwrap();
    done(1 + MANY).await;
    worker.shutdown(crate::support::STOP).await;
    let read: i64 =
        database.value("select seq_tup_read from pg_stat_user_tables where relname = 'jobs'").await;
    assert!(read < MANY, "{read} rows were read by scans of the whole table");
}

#[tokio::test]
async fn no_claim_is_compiled_or_reads_a_table_whole_in_a_lent_session_either() {
    let database = TestDatabase::migrated().await;
    for statement in [
        "create table settings (jit text, seqscan text)",
        "create function note_settings() returns trigger language plpgsql as $$ begin
            insert into public.settings
            values (current_setting('jit'), current_setting('enable_seqscan'));
            return new;
        end $$",
        // Upkeep may read a table whole.
        "create trigger claimed after update on simple_queue.jobs
            for each row when (new.worker_id is not null) execute function note_settings()",
    ] {
        database.execute(statement).await;
    }
    let own = database.queue().await;
    // As it is where a pooler was noticed.
    let lent = database.queue().await.with_direct_url(&database.url).unwrap();
    for (queue, done) in [(own, 1), (lent, 2)] {
        queue.register_handler(crate::support::Probe::new());
        let worker = queue.start().await;
        let job = crate::support::Probe::job(crate::support::Say::Success);
        queue.insert_job(job).await.unwrap();
        let is_done = async || database.count("archive").await == done;
        crate::support::eventually("it is done", is_done).await;
        worker.shutdown(crate::support::STOP).await;
    }
    let noted = "select array_agg(distinct jit || ' ' || seqscan) from settings";
    assert_eq!(database.value::<Vec<String>>(noted).await, ["off off"]);
}
