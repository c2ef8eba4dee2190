//! How the server carries the hot statements out: they find their rows through indexes, and read few pages.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::sync::OnceCell;

use super::{Arguments, arguments::hot_statements, execute, prepare};
use crate::support::{Probe, STOP, Say, TestDatabase, eventually};

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
