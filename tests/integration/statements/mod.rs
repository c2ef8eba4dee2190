//! The statements themselves: the server accepts each, and the hot ones find their rows through indexes.

use std::{collections::BTreeMap, fs, path::Path};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqlSafeStr};

use crate::support::{Probe, STOP, Say, TestDatabase, eventually};
use arguments::{Arguments, ID};
use assemble::{Text, assemble};

mod arguments;
mod plans;

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
    let arguments =
        vec![("worker_id", ID), ("queues", "'{}'"), ("running", "'{}'"), ("permits", "10")];
    let beat = execute("heartbeat", &arguments);
    let row = sqlx::raw_sql(AssertSqlSafe(beat)).fetch_one(&mut connection).await.unwrap();
    let mut intervals: Vec<f64> = row.get("silent_intervals");
    intervals.sort_by(f64::total_cmp);
    assert_eq!(intervals, [0.0, 0.0, 0.0, 86_400.0, 86_400.0, 86_400.0]);
}

#[test]
fn the_statements_of_every_process_are_those_of_a_process_without_limits() {
    // What only some processes use has statements of its own. A change here is paid by all: measure it, and then write
    // down the new number.
    const TEXTS: [(&str, u64); 5] = [
        ("archive_jobs", 0x6d3e_126b_e3ea_2ee1),
        ("fetch_jobs", 0x092a_5d3c_945a_a473),
        ("heartbeat", 0xf9fc_9f6b_a155_8c58),
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
