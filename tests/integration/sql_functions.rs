//! The SQL functions that other languages call: what they check, and how they resolve names.

use sqlx::AssertSqlSafe;

use crate::support::{Probe, STOP, Say, TestDatabase, eventually};

/// The error of a statement that the database refuses.
async fn refusal(database: &TestDatabase, sql: &str) -> String {
    let answer = sqlx::query(AssertSqlSafe(sql)).execute(&database.pool).await;
    answer.map(|_| panic!("not refused: {sql}")).unwrap_err().to_string()
}

#[tokio::test]
async fn a_job_out_of_bounds_is_refused_with_its_value_and_the_limit() {
    let database = TestDatabase::migrated().await;
    for (arguments, expected) in [
        ("'', '', '1'", "the queue \"\" is refused: queue names may only use a-z, 0-9"),
        ("null, '', '1'", "the queue null is refused: queue names may only use a-z, 0-9"),
        ("repeat('q', 64), '', '1'", "qqqq\" is refused: queue names may only use a-z, 0-9"),
        ("'q', null, '1'", "the kind null is refused: it has to have a value"),
        ("'q', repeat('k', 513), '1'", "it has 513 bytes; the limit is 0 to 512"),
        ("'q', '', null", "the payload null is refused"),
        (
            "'q', '', to_jsonb(repeat('x', 3000000))",
            "it has 3000002 bytes as text; the limit is 2097152",
        ),
        ("'q', '', to_jsonb(repeat('x', 30000000))", "the limit is 2097152 bytes of text"),
        (
            "'q', '', '[1e50000, 1e50000, 1e50000, 1e50000, 1e50000]'::jsonb || (select jsonb_agg(1e100000::numeric) from generate_series(1, 30))",
            "bytes as text; the limit",
        ),
        (
            "'q', '', '1', run_at => '-infinity'",
            "the run_at \"-infinity\" is refused: the limit is the year 1",
        ),
        ("'q', '', '1', run_at => '0044-03-15 BC'", "the run_at"),
        ("'q', '', '1', run_at => '290000-01-01'", "to the year 20000"),
        ("'q', '', '1', expires_at => 'infinity'", "the expires_at \"infinity\" is refused"),
        (
            "'q', '', '1', priority => 40000",
            "the priority \"40000\" is refused: the limit is -32768 to 32767",
        ),
        ("'q', '', '1', priority => null", "the priority null is refused"),
        (
            "'q', '', '1', max_attempts => 0",
            "the max_attempts \"0\" is refused: a job needs at least one attempt",
        ),
        ("'q', '', '1', version => 0", "the version \"0\" is refused"),
        ("'q', '', '1', version => -2147483648", "the version \"-2147483648\" is refused"),
        (
            "'q', '', '1', unique_key => ''",
            "the unique key \"\" is refused: it has 0 bytes; the limit is 1 to 512",
        ),
        ("'q', '', '1', fingerprint => repeat('f', 513)", "it has 513 bytes"),
        (
            "'q', '', '1', tags => array_fill('t'::text, array[101])",
            "it has 101 tags; the limit is 100",
        ),
        ("'q', '', '1', tags => '{{a},{b}}'", "in one dimension"),
        ("'q', '', '1', tags => array['a', null]", "the tag null is refused"),
        ("'q', '', '1', tags => array[repeat('t', 513)]", "the tag \"ttt"),
        (
            "'q', '', '1', retain => '293000 years'",
            "the retain \"293000 years\" is refused: the limit is 0 to 3650000 days",
        ),
        ("'q', '', '1', retain => '-1 day'", "the retain \"-1 days\" is refused"),
        ("'q', '', '1', timeout => '0'", "the timeout \"00:00:00\" is refused"),
        ("'q', '', '1', timeout => '100000 years'", "the timeout \"100000 years\" is refused"),
        (
            "'q', '', '1', metadata => '[]'",
            "the metadata \"[]\" is refused: it has to be an object",
        ),
        (
            "'q', '', '1', metadata => jsonb_build_object('a', repeat('x', 140000))",
            "the limit is 131072",
        ),
        ("'q', '', '1', on_conflict => null", "the on_conflict null is refused"),
    ] {
        let refused =
            refusal(&database, &format!("select simple_queue.enqueue({arguments})")).await;
        assert!(refused.contains(expected), "{arguments}: {refused}");
        assert!(refused.len() < 600, "{arguments}: {} bytes of refusal", refused.len());
    }
    assert_eq!(database.count("jobs").await, 0);
}

#[tokio::test]
async fn what_is_just_within_bounds_is_taken_and_stored_as_it_is() {
    let database = TestDatabase::migrated().await;
    database
        .execute(
            "select simple_queue.enqueue(
                repeat('q', 63), repeat('k', 512), to_jsonb(repeat('x', 1048574)), run_at => '9999-12-31',
                priority => -32768, max_attempts => 2147483647, unique_key => repeat('u', 512),
                fingerprint => repeat('f', 512), expires_at => '12000-01-01',
                tags => array_fill(repeat('t', 512), array[100]), version => 2147483647,
                retain => '3650000 days', timeout => '1 h', metadata => '{\"trace\": 1}')",
        )
        .await;
    let right =
        "jobs where timeout = '1 h' and metadata->>'trace' = '1' and cardinality(tags) = 100";
    assert_eq!(database.count(right).await, 1);
}

#[tokio::test]
async fn many_jobs_are_enqueued_in_one_call_all_or_none() {
    let database = TestDatabase::migrated().await;
    database.execute("select simple_queue.enqueue('q', '', '0', unique_key => 'taken')").await;
    let many = |last: &str| {
        format!(
            "select string_agg(outcome, ' ') from simple_queue.enqueue_many('[
                {{\"queue\": \"a\", \"job_data\": null, \"unique_key\": \"z\"}},
                {{\"queue\": \"b\", \"job_data\": {{}}, \"delay\": 60, \"expires_after\": 10, \"tags\": [\"x\"],
                  \"timeout\": \"5s\", \"metadata\": {{\"a\": 1}}, \"priority\": 3}},
                {{\"queue\": \"c\", \"job_data\": [], \"unique_key\": \"taken\" {last}}}]')"
        )
    };
    let refused = refusal(&database, &many(", \"on_conflict\": \"error\"")).await;
    assert!(refused.contains("has the unique key \"taken\" already"), "{refused}");
    assert_eq!(database.count("jobs").await, 1);
    assert_eq!(database.value::<String>(&many("")).await, "inserted inserted duplicate");
    let right = "jobs where queue = 'b' and run_at = created_at + interval '1 min' and priority = 3
        and expires_at = run_at + interval '10 s' and tags = '{x}' and timeout = '5 s'";
    assert_eq!(database.count(right).await, 1);
    assert_eq!(database.count("jobs where queue = 'a' and job_data = 'null'").await, 1);
    let refused = refusal(&database, "select simple_queue.enqueue_many('{}')").await;
    assert!(refused.contains("it has to be an array"), "{refused}");
}

#[tokio::test]
async fn a_repeated_call_finds_the_jobs_of_the_first_wherever_they_are() {
    let database = TestDatabase::migrated().await;
    let id = "01a202c7-f117-7578-92ff-7b69cae0e360";
    let call = |repeated: &str| {
        format!(
            "select outcome from simple_queue.enqueue_many(
                '[{{\"id\": \"{id}\", \"queue\": \"q\", \"job_data\": 1}}]', {repeated})"
        )
    };
    assert_eq!(database.value::<String>(&call("false")).await, "inserted");
    assert_eq!(database.value::<String>(&call("true")).await, "inserted");
    assert_eq!(database.value::<String>(&call("false")).await, "duplicate");
    assert_eq!(database.count("jobs").await, 1);
    database
        .execute(
            "with over as (delete from simple_queue.jobs returning *)
             insert into simple_queue.archive (id, lease, created_at, finished_at, attempt, reprocess_count,
                crash_count, version, priority, queue, kind, job_data)
             select id, lease, created_at, now(), 1, 0, 0, 1, 0, queue, kind, job_data from over",
        )
        .await;
    assert_eq!(database.value::<String>(&call("true")).await, "inserted");
    assert_eq!(database.count("jobs").await, 0);
}

#[tokio::test]
async fn every_function_fixes_its_search_path_and_is_not_for_everybody() {
    let database = TestDatabase::migrated().await;
    let loose = "select coalesce(string_agg(p.proname, ', '), '') from pg_proc p
        where p.pronamespace = 'simple_queue'::regnamespace and (
            not coalesce(p.proconfig, '{}') @> '{\"search_path=pg_catalog, pg_temp\"}'
            or p.proacl is null
            or exists (select from aclexplode(p.proacl) a where a.grantee = 0)
        )";
    assert_eq!(database.value::<String>(loose).await, "");
}

#[tokio::test]
async fn functions_that_others_put_on_the_search_path_are_never_called() {
    let database = TestDatabase::empty().await;
    // Each fits its arguments better than the function of the server, and fails.
    for (signature, result) in [
        ("to_char(date, text)", "text"),
        ("format(text, text)", "text"),
        ("format(text, text, text)", "text"),
        ("format(text, timestamptz, timestamptz)", "text"),
        ("format(text, text, timestamptz, timestamptz)", "text"),
        ("right(name, integer)", "text"),
        ("left(name, integer)", "text"),
        ("substring(name, integer)", "text"),
        ("to_date(name, text)", "date"),
        ("octet_length(name)", "integer"),
        ("to_regclass(name)", "regclass"),
        ("floor(integer)", "integer"),
        ("generate_series(smallint, integer)", "setof integer"),
        ("length(name)", "integer"),
    ] {
        database
            .execute(&format!(
                "create function public.{signature} returns {result} language plpgsql as
                 'begin raise exception ''hostile''; end'"
            ))
            .await;
    }
    let (queue, probe) = (database.queue().await, Probe::new());
    queue.migrate().await.unwrap();
    database
        .execute("create table simple_queue.archive_20200101 partition of simple_queue.archive for values from ('2020-01-01 00:00+00') to ('2020-01-02 00:00+00')")
        .await;
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    database
        .execute("select simple_queue.enqueue('probe', '', '\"Success\"', unique_key => 'k')")
        .await;
    eventually("they are archived", async || database.count("archive").await == 2).await;
    let old = "select to_regclass('simple_queue.archive_20200101'::text) is null";
    eventually("the old day is dropped", async || database.value::<bool>(old).await).await;
    assert_eq!(database.value::<i32>("select simple_queue.ensure_archive_partitions(10)").await, 3);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn sessions_of_the_librarys_own_look_for_names_where_only_the_server_puts_them() {
    let database = TestDatabase::migrated().await;
    for sql in [
        "create table seen (path text)",
        "create function note_path() returns trigger language plpgsql as $$ begin
            insert into public.seen values (current_setting('search_path'));
            return null;
        end $$",
        "create trigger claimed after update on simple_queue.jobs
            for each row when (new.worker_id is not null) execute function note_path()",
        "create trigger beaten after update on simple_queue.workers
            for each row execute function note_path()",
    ] {
        database.execute(sql).await;
    }
    let own = database.queue().await;
    // As behind a pooler.
    let lent = database.queue().await.with_direct_url(&database.url).unwrap();
    for (queue, done) in [(own, 1), (lent, 2)] {
        queue.register_handler(Probe::new());
        let worker = queue.start().await;
        queue.insert_job(Probe::job(Say::Success)).await.unwrap();
        eventually("it is done", async || database.count("archive").await == done).await;
        worker.shutdown(STOP).await;
    }
    let seen = "select array_agg(distinct replace(path, ' ', '')) from seen";
    assert_eq!(database.value::<Vec<String>>(seen).await, ["pg_catalog,pg_temp"]);
}

#[tokio::test]
async fn metadata_that_the_library_takes_the_function_takes_too() {
    let database = TestDatabase::migrated().await;
    // 60,007 bytes as the library writes them; the database adds a space after each comma.
    let metadata = format!("{{\"a\":[{}]}}", vec!["1"; 30_000].join(","));
    let call = format!("select simple_queue.enqueue('q', '', '1', metadata => '{metadata}')");
    database.execute(&call).await;
    assert_eq!(database.count("jobs where jsonb_array_length(metadata -> 'a') = 30000").await, 1);
}
