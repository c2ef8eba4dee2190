//! The statements themselves: the server accepts each, and the hot ones find their rows through indexes.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqlSafeStr};
use tokio::sync::OnceCell;

use crate::support::{Probe, STOP, Say, TestDatabase, eventually};
use arguments::{Arguments, ID, hot_statements};
use assemble::{Text, assemble};

mod arguments;

#[path = "../../../simple-queue/src/store/statements/assemble.rs"]
mod assemble;

fn directories() -> [std::path::PathBuf; 2] {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("simple-queue/src");
    ["store/sql", "database/sql"].map(|directory| source.join(directory))
}

fn statements() -> BTreeMap<String, Text> {
    let entries = directories().into_iter().flat_map(|directory| fs::read_dir(directory).unwrap());
    let files = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files.map(|path| (name(&path), assemble(&fs::read_to_string(&path).unwrap()))).collect()
}

/// The text of a statement, as the server gets it.
pub(crate) fn text_of(name: &str) -> String {
    statements().remove(name).unwrap().sql
}

#[tokio::test]
async fn every_statement_begins_with_its_name_and_is_one_the_server_can_prepare() {
    let database = TestDatabase::migrated().await;
    let mut connection = database.pool.acquire().await.unwrap();
    for (name, Text { sql, .. }) in statements() {
        assert_eq!(sql.lines().next(), Some(format!("-- {name}").as_str()));
        assert!(!sql.to_lowercase().contains("select *"), "{name} must list its columns");
        let statement = AssertSqlSafe(sql).into_sql_str();
        connection.prepare(statement).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// `execute hot(…)`, with the arguments in the order of their numbers.
fn execute(name: &str, arguments: &Arguments<'_>) -> String {
    let parameters = &statements()[name].parameters;
    let argument = |parameter: &String| {
        let found = arguments.iter().find(|(name, _)| name == parameter);
        found.unwrap_or_else(|| panic!("{name} has a parameter `:{parameter}`")).1
    };
    let ordered: Vec<&str> = parameters.iter().map(argument).collect();
    assert_eq!(ordered.len(), arguments.len(), "{name} has only the parameters {parameters:?}");
    format!("execute hot({})", ordered.join(", "))
}

/// The plan of a statement: the generic one, which a prepared statement gets after some executions,
/// or the custom one of the first executions, which knows the values.
async fn plan(
    connection: &mut PgConnection,
    mode: &str,
    name: &str,
    arguments: &Arguments<'_>,
) -> String {
    prepare(connection, mode, name).await;
    let explain = format!("explain {}", execute(name, arguments));
    let lines: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(connection).await.unwrap();
    lines.join("\n")
}

/// Prepares a statement under the name `hot`.
async fn prepare(connection: &mut PgConnection, mode: &str, name: &str) {
    let sql = &statements()[name].sql;
    for statement in [format!("set plan_cache_mode = {mode}"), format!("prepare hot as {sql}")] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await.unwrap();
    }
}

/// Carries out a statement; returns the number of its rows.
pub(crate) async fn carry_out(
    connection: &mut PgConnection,
    name: &str,
    arguments: &Arguments<'_>,
) -> usize {
    prepare(connection, "auto", name).await;
    let rows = sqlx::query(AssertSqlSafe(execute(name, arguments))).fetch_all(&mut *connection);
    let rows = rows.await.unwrap().len();
    connection.execute("deallocate hot").await.unwrap();
    rows
}

/// A connection to a database with very many jobs and statistics of them, which is filled once for all tests of
/// plans. In the queues `q0` to `q9` a million jobs are due, in `later` none is.
async fn full_table() -> PgConnection {
    static DATABASE: OnceCell<TestDatabase> = OnceCell::const_new();
    let fill = async || {
        let database = TestDatabase::migrated().await;
        database
            .fill_jobs(async || {
                let due = database.job().set("priority", "n % 3").set("queue", "'q' || n % 10");
                due.set("unique_key", "'key' || n")
                    .set("fingerprint", "'print' || n % 1000")
                    .insert_many(1_000_000)
                    .await;
                let later = database.job().set("priority", "n % 3").queue("later");
                later
                    .set("kind", "'kind' || n % 2")
                    .due_in(Duration::from_hours(24))
                    .insert_many(200_000)
                    .await;
                let keyed = database.job().set("gate", "'key:q1/kind#' || n % 1000");
                keyed.queue("q1").insert_many(100_000).await;
            })
            .await;
        database
            .execute(
                "insert into simple_queue.kept_keys (unique_key, job_id, kept_until)
                 select 'key' || n, gen_random_uuid(), now() + n * interval '1 s' from generate_series(1, 100000) n",
            )
            .await;
        database
            .execute(
                "insert into simple_queue.gates (gate, rule, running)
                    select 'key:q1/kind#' || n, 'key:q1/kind', 1 from generate_series(1, 100000) n",
            )
            .await;
        database
            .execute(
                "insert into simple_queue.turns (rule, gate, due_at)
                    select 'key:q1/kind', 'key:q1/kind#' || n % 1000, case when n % 3 = 0 then now() end
                    from generate_series(1, 10000) n",
            )
            .await;
        let tables =
            ["jobs", "kept_keys", "gates", "turns"].map(|table| format!("simple_queue.{table}"));
        database.execute(&format!("vacuum analyze {}", tables.join(", "))).await;
        database
    };
    let database = DATABASE.get_or_init(fill).await;
    PgConnection::connect(&database.url).await.unwrap()
}

#[tokio::test]
async fn a_heartbeat_reads_no_interval_that_no_process_of_the_librarys_promises() {
    let database = TestDatabase::migrated().await;
    database
        .execute(
            "insert into simple_queue.workers (id, heartbeat_at, heartbeat_interval, pid, host, queues)
             select gen_random_uuid(), now() - interval '1 year', promised::interval, 1, 'hostile', '{}'
             from unnest(array[
                '178000000 years', '-178000000 years', '-1 us', '2 days',
                -- From version 17 on an interval may be without an end.
                case when current_setting('server_version_num')::integer >= 170000 then 'infinity' else '1 year' end,
                case when current_setting('server_version_num')::integer >= 170000 then '-infinity' else '0' end
             ]) as promised",
        )
        .await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    prepare(&mut connection, "auto", "heartbeat").await;
    let arguments = vec![("worker_id", ID), ("queues", "'{}'"), ("running", "'{}'")];
    let beat = execute("heartbeat", &arguments);
    let row = sqlx::raw_sql(AssertSqlSafe(beat)).fetch_one(&mut connection).await.unwrap();
    let mut intervals: Vec<f64> = row.get("silent_intervals");
    intervals.sort_by(f64::total_cmp);
    assert_eq!(intervals, [0.0, 0.0, 0.0, 86_400.0, 86_400.0, 86_400.0]);
}

#[tokio::test]
async fn no_hot_statement_scans_the_table_of_jobs() {
    let mut connection = full_table().await;
    let hot = hot_statements();
    for mode in ["force_generic_plan", "force_custom_plan"] {
        for (name, arguments) in &hot {
            let plan = plan(&mut connection, mode, name, arguments).await;
            for table in ["jobs", "kept_keys", "gates", "turns"] {
                let scan = format!("Seq Scan on {table}");
                assert!(!plan.contains(&scan), "{name}, {mode}:\n{plan}");
            }
            // A plan that seems to cost more is compiled first, which takes longer than the statement.
            let cost = plan.split("..").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
            let cost: f64 = cost.parse().unwrap();
            assert!(cost < 100_000.0, "{name}, {mode} seems to cost {cost}:\n{plan}");
            if name.starts_with("fetch_jobs") {
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

#[test]
fn the_statements_of_every_process_are_those_of_a_process_without_limits() {
    // What only some processes use has statements of its own. A change here is paid by all: measure it, and then write
    // down the new number.
    const TEXTS: [(&str, u64); 5] = [
        ("archive_jobs", 0x6d3e_126b_e3ea_2ee1),
        ("fetch_jobs", 0x092a_5d3c_945a_a473),
        ("heartbeat", 0x991c_72a1_07a2_e536),
        ("insert_alike_jobs", 0x6b89_55c5_81f5_e0a0),
        ("retry_jobs", 0xf8ac_643e_d4c3_53b6),
    ];
    // The 64-bit FNV-1a hash of a text.
    let hash = |text: &str| {
        text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    };
    let texts = TEXTS.map(|(name, _)| (name, hash(&statements()[name].sql)));
    assert_eq!(texts, TEXTS);
}

#[tokio::test]
async fn a_dead_letter_that_overwrites_another_overwrites_every_column() {
    let database = TestDatabase::migrated().await;
    let columns: Vec<String> = database
        .value(
            "select array_agg(attname::text) from pg_attribute
            where attrelid = 'simple_queue.dead_letters'::regclass and attnum > 0 and not attisdropped
                and attgenerated = ''",
        )
        .await;
    let part = directories()[0].join("parts/overwrite_dead_letter.sql");
    let part = fs::read_to_string(part).unwrap();
    for column in columns.iter().filter(|column| *column != "id") {
        assert!(part.contains(&format!("{column} = excluded.{column}")), "{column}");
    }
}

#[tokio::test]
async fn a_fetch_reads_few_pages_however_many_jobs_wait_for_later() {
    let mut connection = full_table().await;
    prepare(&mut connection, "force_generic_plan", "fetch_jobs").await;
    for kinds in ["null", r#"["kind1"]"#, r#"["others"]"#] {
        let demand = format!(
            r#"'[{{"queue": "later", "permits": 100, "priorities": [], "probe_after": -32769, "probes": 64,
                "shares": [{{"permits": 100, "kinds": {kinds}, "excluded": [], "floors": []}}]
            }}]'"#
        );
        let arguments = vec![
            ("worker_id", "gen_random_uuid()"),
            ("job_ids", "'{}'"),
            ("leases", "'{}'"),
            ("results", "'{}'"),
            ("keep", "true"),
            ("include_touched", "true"),
            ("demand", &demand),
            ("limit", "100"),
            ("margin", "'0.6 s'"),
        ];
        let look = execute("fetch_jobs", &arguments);
        let look = format!("explain (analyze, buffers, format json) {look}");
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
    let (queue, probe) = (database.queue().await, Probe::new());
    let jobs = (0..500).map(|_| Probe::job(Say::WaitForGate));
    queue.insert_jobs(jobs.collect()).await.unwrap();
    queue.register_handler(probe.clone());
    let queue = queue.with_queue_default_semaphore_size(500);
    let worker = queue.start().await;
    for _ in 0..500 {
        probe.next_run().await;
    }
    // A session reports what it counted when it ends, and otherwise only after ten seconds. What is done is deleted, so
    // only claims are counted as updates.
    probe.open_gate(500);
    worker.shutdown(STOP).await;
    queue.pool().close().await;
    drop(queue);
    eventually("the statistics tell", async || {
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
}

#[tokio::test]
async fn a_worker_that_began_with_an_empty_table_does_not_read_a_full_one_whole() {
    const MANY: i64 = 20_000;
    let database = TestDatabase::migrated().await;
    // An analyzed table causes new plans. The server analyzes at most once a minute.
    database.execute("alter table simple_queue.jobs set (autovacuum_enabled = off)").await;
    // Upkeep reads the whole table now and then.
    database.execute("update simple_queue.upkeep set done_at = now()").await;
    let queue = database.queue().await.with_queue_default_semaphore_size(500);
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    let done = async |count: i64| {
        let all_done = async || {
            count == database.value::<i64>("select count(*) from simple_queue.archive").await
        };
        eventually("all jobs are done", all_done).await;
    };
    let jobs = |count| (0..count).map(|_| Probe::job(Say::Success));
    queue.insert_jobs(jobs(1).collect()).await.unwrap();
    done(1).await;
    queue.insert_jobs(jobs(MANY).collect()).await.unwrap();
    done(1 + MANY).await;
    worker.shutdown(STOP).await;
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
        // Upkeep may read a whole table.
        "create trigger claimed after update on simple_queue.jobs
            for each row when (new.worker_id is not null) execute function note_settings()",
    ] {
        database.execute(statement).await;
    }
    let own = database.queue().await;
    // As behind a pooler.
    let lent = database.queue().await.with_direct_url(&database.url).unwrap();
    for (queue, done) in [(own, 1), (lent, 2)] {
        queue.register_handler(Probe::new());
        let worker = queue.start().await;
        let job = Probe::job(Say::Success);
        queue.insert_job(job).await.unwrap();
        let is_done = async || database.count("archive").await == done;
        eventually("it is done", is_done).await;
        worker.shutdown(STOP).await;
    }
    let noted = "select array_agg(distinct jit || ' ' || seqscan) from settings";
    assert_eq!(database.value::<Vec<String>>(noted).await, ["off off"]);
}

#[tokio::test]
async fn a_visit_reads_few_pages_however_many_jobs_of_its_key_wait_for_later_or_for_a_token() {
    let database = TestDatabase::migrated().await;
    let fill = async || {
        // A key with very many jobs that are due later, of the priority before the one that is due.
        let later = database.job().kind("kind").set("gate", "'key:q1/kind#later'").queue("q1");
        later.due_in(Duration::from_hours(24)).insert_many(200_000).await;
        let due = database.job().kind("kind").set("gate", "'key:q1/kind#later'").queue("q1");
        due.priority(1).insert_many(5).await;
        let waiting = database.job().kind("rated").set("gate", "'key:q1/rated#1'").queue("q1");
        waiting.insert_many(200_000).await;
    };
    database.fill_jobs(fill).await;
    let rate = r#"{"limit": 3, "per": 3600, "burst": 2, "strict": true, "start_within": 10, "pace": 1200}"#;
    for statement in [
        "insert into simple_queue.limits (name, concurrency) values ('key:q1/kind', 10)",
        &format!("insert into simple_queue.limits (name, rate) values ('key:q1/rated', '{rate}')"),
        "insert into simple_queue.turns (rule, gate, due_at)
            values ('key:q1/kind', 'key:q1/kind#later', null), ('key:q1/rated', 'key:q1/rated#1', null),
                ('key:q1/kind', 'key:q1/kind#later', now() + interval '1 day')",
        "vacuum analyze simple_queue.jobs, simple_queue.turns",
    ] {
        database.execute(statement).await;
    }
    let worker = format!("'{}'", database.process().insert().await);
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    connection.execute("set enable_seqscan = off; set jit = off").await.unwrap();
    for (name, rule, more, claimed) in [
        ("visit_gates", "'key:q1/kind'", ("hands_over", "true"), 5),
        ("visit_rated_gates", "'key:q1/rated'", ("needs", "0"), 2),
    ] {
        prepare(&mut connection, "force_generic_plan", name).await;
        let arguments = vec![
            ("worker_id", worker.as_str()),
            ("job_ids", "'{}'"),
            ("leases", "'{}'"),
            ("results", "'{}'"),
            ("keep", "false"),
            ("include_touched", "true"),
            ("rule", rule),
            ("queue", "'q1'"),
            more,
            ("permits", "100"),
            ("after", "''"),
            ("channel", "'channel'"),
        ];
        let visit =
            format!("explain (analyze, buffers, format json) {}", execute(name, &arguments));
        let plan: serde_json::Value =
            sqlx::query_scalar(AssertSqlSafe(visit)).fetch_one(&mut connection).await.unwrap();
        let pages = ["Shared Hit Blocks", "Shared Read Blocks"]
            .map(|pages| plan[0]["Plan"][pages].as_i64().unwrap());
        assert!(pages.iter().sum::<i64>() < 500, "{name}: {pages:?} pages are read");
        let running = format!("jobs where worker_id is not null and gate like {rule} || '#%'");
        assert_eq!(database.count(&running).await, claimed, "{name}");
        connection.execute("deallocate hot").await.unwrap();
    }
}
