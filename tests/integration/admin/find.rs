//! Lists, counts and single jobs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;
use simple_queue::{
    Admin, Count, Cursor, Error, ErrorKind, JobFilter, JobStatus, Right, Rights, Role, prelude::*,
};
use uuid::Uuid;

use crate::support::{Probe, STOP, Say, TestDatabase, Working, working};

/// All jobs of a list, by pages of this length; the cursor goes through its written form.
pub(super) async fn all(admin: &Admin, filter: &JobFilter, page: usize) -> Vec<Uuid> {
    let (mut ids, mut next) = (Vec::new(), None::<Cursor>);
    loop {
        let found = admin.find(filter).limit(page);
        let found = match next {
            Some(next) => found.after(next).await.unwrap(),
            None => found.await.unwrap(),
        };
        assert!(found.jobs.len() <= page);
        ids.extend(found.jobs.iter().map(|job| job.id));
        assert_eq!(found.complete, found.next.is_none());
        match found.next {
            Some(cursor) => next = Some(cursor.to_string().parse().unwrap()),
            None => return ids,
        }
    }
}

/// The ids of a query.
pub(super) async fn ids(database: &TestDatabase, query: &str) -> Vec<Uuid> {
    let sql = format!(
        "select coalesce(array_agg(x.id order by x.place), '{{}}') from ({query}) x (id, place)"
    );
    database.value(&sql).await
}

pub(super) async fn some_of_each(database: &TestDatabase) {
    let process = database.process().insert().await;
    let job = || database.job().set("priority", "n % 3");
    job().queue("a").kind("x").due_since(Duration::from_mins(1)).insert_many(20).await;
    job().queue("b").due_in(Duration::from_hours(1)).insert_many(20).await;
    job().queue("a").running_on(process).insert_many(5).await;
    job().queue("a").suspect().insert_many(2).await;
    let keyed = job().queue("a").kind("k").set("gate", "'key:a/k#' || n % 4");
    keyed.insert_many(12).await;
    let ordered = database.job().queue("a").kind("o").set("gate", "'order:a/o#' || n % 4");
    ordered.insert_many(8).await;
    database.job().queue("a0").set("gate", "'key:a0/k#1'").insert_many(3).await;
    let dead = database.dead_letter().set("finished_at", "now() - n * interval '1 min'");
    dead.set("status", "case when n % 2 = 0 then 'failed' else 'cancelled' end")
        .insert_many(40)
        .await;
    // They ended in one statement.
    database.dead_letter().kind("same").insert_many(10).await;
    database
        .archived()
        .set("finished_at", "now() - n % 2 * interval '20 hours'")
        .insert_many(30)
        .await;
}

#[tokio::test]
async fn a_list_has_each_job_once_in_its_order_whatever_the_pages() {
    let database = TestDatabase::migrated().await;
    some_of_each(&database).await;
    let admin = database.queue().await.admin();
    let hour_ago: DateTime<Utc> = database.value("select now() - interval '1 hour'").await;
    let live = "select id, row_number() over (order by id desc) from simple_queue.jobs where";
    let cases = [
        (JobFilter::live(), format!("{live} true")),
        (JobFilter::running(), format!("{live} worker_id is not null")),
        (JobFilter::later(), format!("{live} run_at > now()")),
        (JobFilter::waiting().queue("b"), format!("{live} false")),
        (JobFilter::waiting(), format!("{live} worker_id is null and run_at <= now()")),
        (JobFilter::live().queue("a").kind("k"), format!("{live} kind = 'k' and queue = 'a'")),
        (JobFilter::live().priority(1..=2), format!("{live} priority in (1, 2)")),
        (
            JobFilter::dead(),
            "select id, row_number() over (order by finished_at desc, id desc) from simple_queue.dead_letters"
                .to_owned(),
        ),
        (
            JobFilter::dead().status(JobStatus::Failed).since(Duration::from_secs(10 * 60 + 30)),
            "select id, row_number() over (order by finished_at desc, id desc) from simple_queue.dead_letters
            where status = 'failed' and finished_at > now() - interval '10 min 30 s'"
                .to_owned(),
        ),
        (
            JobFilter::dead().older_than(Duration::from_secs(35 * 60 + 30)),
            "select id, row_number() over (order by finished_at desc, id desc) from simple_queue.dead_letters
            where finished_at < now() - interval '35 min 30 s'"
                .to_owned(),
        ),
        (
            JobFilter::done().finished(hour_ago..),
            "select id, row_number() over (order by id desc) from simple_queue.archive
            where finished_at > now() - interval '1 h'"
                .to_owned(),
        ),
        (
            JobFilter::any(),
            "select id, row_number() over (order by id desc) from simple_queue.all_jobs".to_owned(),
        ),
    ];
    for (filter, query) in cases {
        let expected = ids(&database, &query).await;
        for page in [1, 7, 1000] {
            assert_eq!(all(&admin, &filter, page).await, expected, "{filter}, pages of {page}");
        }
        let exactly = Count::Exact(expected.len().try_into().unwrap());
        assert_eq!(admin.count(&filter).await.unwrap(), exactly, "{filter}");
    }
}

#[tokio::test]
async fn jobs_that_wait_in_a_queue_are_listed_in_the_order_in_which_they_are_due() {
    let database = TestDatabase::migrated().await;
    some_of_each(&database).await;
    let admin = database.queue().await.admin();
    let expected = ids(
        &database,
        "select id, row_number() over (order by
            held is not null, gate is not null, case when gate is not null then gate end, priority, run_at, id)
        from simple_queue.jobs where queue = 'a' and worker_id is null and run_at <= now()",
    )
    .await;
    assert_eq!(expected.len(), 20 + 2 + 12 + 8);
    let filter = JobFilter::waiting().queue("a");
    for page in [1, 7, 1000] {
        let found = all(&admin, &filter, page).await;
        // Those that killed processes have no due order.
        assert_eq!(found[..40], expected[..40], "pages of {page}");
        assert_eq!(found.len(), expected.len());
    }
    let both = JobFilter::later().queue("a").queue("b");
    assert_eq!(all(&admin, &both, 6).await.len(), 20);
}

#[tokio::test]
async fn a_filter_looks_into_what_jobs_contain() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let job = || database.job().queue("q");
    let address = job().payload(json!({"user": {"id": 42}, "zip.code": "1010"})).insert().await;
    let text = job().payload(json!({"user": {"id": "42"}})).unique_key("k:1").insert().await;
    let tagged =
        job().set("tags", "'{a,b}'").set("metadata", r#"'{"tenant": "acme"}'"#).insert().await;
    let printed = job().set("fingerprint", "'f'").insert().await;
    let failing =
        r#"'[{"attempt": 1, "at": "2026-11-29T10:00:00Z", "error": "Connection REFUSED"}]'"#;
    let failed = job().set("errors", failing).insert().await;
    let dead =
        database.dead_letter().set("reason", "'attempt 2: connection refused'").insert().await;
    let mended = database
        .archived()
        .set("errors", failing)
        .payload(json!({"user": {"id": 42}}))
        .insert()
        .await;
    // Written by hand.
    job().set("errors", "'7'").set("metadata", "'[]'").insert().await;
    let admin = queue.admin();
    for (filter, expected) in [
        ("args.user.id:42", vec![address, text, mended]),
        ("args.user.id:=42", vec![address, mended]),
        (r#"args.user.id:="\"42\"""#, vec![text]),
        (r#"args."zip.code":1010"#, vec![address]),
        ("args.user.id:42 state:live", vec![address, text]),
        ("args.user.id:42 args.nothing:1", vec![]),
        ("key:k:1", vec![text]),
        ("tag:a tag:b", vec![tagged]),
        ("tag:a tag:c", vec![]),
        ("metadata.tenant:acme", vec![tagged]),
        ("fingerprint:f", vec![printed]),
        (r#"error:"connection refused""#, vec![failed, dead, mended]),
        (r#"error:"connection refused" state:dead"#, vec![dead]),
    ] {
        let filter: JobFilter = filter.parse().unwrap();
        let mut found = all(&admin, &filter, 2).await;
        let mut expected = expected;
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{filter}");
        let exactly = Count::Exact(expected.len().try_into().unwrap());
        assert_eq!(admin.count(&filter).await.unwrap(), exactly, "{filter}");
    }
    let with_nul = JobFilter::any().args("user", "a\0b").tag("\0");
    assert_eq!(admin.count(&with_nul).await.unwrap(), Count::Exact(0));
}

#[tokio::test]
async fn a_page_looks_at_a_bounded_number_of_rows_and_says_where_to_look_further() {
    let database = TestDatabase::migrated().await;
    database.job().queue("many").insert_many(12_000).await;
    let rare = database.job().queue("rare").id(Uuid::nil()).insert().await;
    let admin = database.queue().await.admin();
    let filter = JobFilter::live().queue("rare");
    let first = admin.find(&filter).await.unwrap();
    assert_eq!((first.jobs.len(), first.looked_at, first.complete), (0, 5000, false));
    assert_eq!(all(&admin, &filter, 10).await, [rare]);
    // In its queue it is found at once.
    let waiting = JobFilter::waiting().queue("rare");
    let first = admin.find(&waiting).await.unwrap();
    assert_eq!((first.jobs.len(), first.looked_at, first.complete), (1, 1, true));
    // A list of frequent jobs looks at few rows.
    for filter in [JobFilter::live(), JobFilter::live().queue("many"), JobFilter::any()] {
        let first = admin.find(&filter).limit(50).await.unwrap();
        assert_eq!((first.jobs.len(), first.looked_at), (50, 51), "{filter}");
    }
}

#[job(queue = "payments", unique = "pay:{order_id}")]
async fn pay_out(order_id: i64, #[job(redact)] iban: String) {
    assert!(order_id > 0 && !iban.is_empty());
}

#[tokio::test]
async fn redacted_arguments_are_hidden_and_cannot_be_asked_for() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![PayOut], ()).unwrap();
    let job = PayOut::new(7, "SK31 1200".to_owned()).delay(STOP).enqueue(&queue).await.unwrap();
    let admin = queue.admin();
    let payload = |detail: simple_queue::JobRow| detail.contents.unwrap().payload.unwrap();
    let detail = admin.job(job.id()).await.unwrap().unwrap();
    assert_eq!(payload(detail.job), r#"{"iban": "…", "order_id": 7}"#);
    let filter = JobFilter::of::<PayOut>();
    let page = admin.find(&filter).with_contents().await.unwrap();
    assert_eq!(payload(page.jobs[0].clone()), r#"{"iban": "…", "order_id": 7}"#);
    let asked = JobFilter::any().args("iban", "SK31 1200");
    let refused = admin.count(&asked).await.unwrap_err();
    assert!(refused.to_string().contains("which is hidden in `pay_out`"), "{refused}");

    let strict = admin.clone().hiding(|kind, argument| kind == "pay_out" && argument == "order_id");
    let detail = strict.job(job.id()).await.unwrap().unwrap();
    assert_eq!(payload(detail.job), r#"{"iban": "…", "order_id": "…"}"#);
    assert!(strict.find(&JobFilter::of::<PayOut>().args("order_id", 7)).await.is_err());
    // A program without the code of the job is told by the function.
    let elsewhere = database.queue().await.admin().hiding(|_, argument| argument == "iban");
    let detail = elsewhere.job(job.id()).await.unwrap().unwrap();
    assert_eq!(payload(detail.job), r#"{"iban": "…", "order_id": 7}"#);
}

#[tokio::test]
async fn a_look_needs_its_right() {
    let database = TestDatabase::migrated().await;
    let admin = database.queue().await.admin();
    let id = database.job().unique_key("k").insert().await;
    let nothing = admin.clone().as_actor("eve").with_rights(Rights::NONE);
    for refused in [
        nothing.find(&JobFilter::live()).await.map(drop),
        nothing.count(&JobFilter::live()).await.map(drop),
        nothing.job(id).await.map(drop),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(&error, Error::NotAllowed { actor, .. } if actor == "eve"), "{error}");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    }
    let outside = admin.with_rights(Rights::NONE.and(Right::See));
    assert_eq!(outside.find(&JobFilter::live()).await.unwrap().jobs.len(), 1);
    assert!(outside.find(&JobFilter::live()).with_contents().await.is_err());
    assert!(outside.count(&JobFilter::live().unique_key("k")).await.is_err());
    let detail = outside.job(id).await.unwrap().unwrap();
    assert!(detail.job.contents.is_none() && detail.key_holder.is_none());
}

#[tokio::test]
async fn a_viewer_of_the_database_lists_jobs_without_their_contents() {
    let database = TestDatabase::migrated().await;
    some_of_each(&database).await;
    let viewer = database.granted("viewer", &[Role::Viewer]).await;
    let queue = TestDatabase::queue_as(viewer).await;
    let outside = queue.admin().with_rights(Rights::NONE.and(Right::See));
    for (filter, count) in [
        (JobFilter::waiting().queue("a"), 42),
        (JobFilter::running(), 5),
        (JobFilter::dead(), 50),
        (JobFilter::done(), 30),
        (JobFilter::any(), 70 + 50 + 30),
    ] {
        assert_eq!(all(&outside, &filter, 20).await.len(), count, "{filter}");
    }
    // Whether the program narrows its rights to those of the role or not.
    for admin in [&outside, &queue.admin()] {
        assert_eq!(admin.count(&JobFilter::waiting()).await.unwrap(), Count::Exact(45));
        assert_eq!(admin.count(&JobFilter::later()).await.unwrap(), Count::Exact(20));
    }
    let rights = queue.admin().as_actor("eve").for_role().await.unwrap().rights();
    assert_eq!(format!("{rights:?}"), "{See}");
    let operator = database.granted("operator", &[Role::Operator]).await;
    let operator = TestDatabase::queue_as(operator).await.admin().as_actor("ann");
    assert_eq!(operator.for_role().await.unwrap().rights(), Rights::ALL);
    let error =
        queue.admin().job(all(&outside, &JobFilter::done(), 50).await[0]).await.unwrap_err();
    assert!(matches!(error, Error::MissingGrant { .. }), "{error}");
}

#[tokio::test]
async fn a_job_is_shown_with_what_keeps_it_from_starting() {
    let Working { database, queue, probe, worker } = working().await;
    let job = Probe::job(Say::WaitForGate).with_unique_key("k").with_max_attempts(7);
    let id = queue.insert_job(job).await.unwrap().unwrap();
    probe.next_run().await;
    queue.pause(Probe::QUEUE).await.unwrap();
    let admin = queue.admin();
    let detail = admin.job(id).await.unwrap().unwrap();
    let live = detail.live.unwrap();
    assert_eq!((detail.job.status, detail.job.max_attempts), (JobStatus::Running, Some(7)));
    assert!(live.queue_paused_at.is_some() && live.worker.is_some() && !live.is_suspect);
    assert_eq!(detail.key_holder.map(|holder| holder.job_id), Some(id));
    let before = detail.job.version;
    probe.open_gate(1);
    queue.wait(id, STOP).await.unwrap();
    let detail = admin.job(id).await.unwrap().unwrap();
    assert_eq!(
        (detail.job.status, detail.live, detail.key_holder),
        (JobStatus::Completed, None, None)
    );
    assert_ne!(detail.job.version, before);

    let failed = Probe::job(Say::Error).with_max_attempts(1);
    let id = queue.insert_job(failed).await.unwrap().unwrap();
    queue.resume(Probe::QUEUE).await.unwrap();
    queue.wait(id, STOP).await.unwrap();
    let contents = admin.job(id).await.unwrap().unwrap().job.contents.unwrap();
    assert_eq!((contents.errors.len(), contents.errors[0].attempt), (1, 1));
    assert!(contents.errors[0].error.contains("told to fail") && contents.errors[0].at.is_some());
    assert!(contents.reason.unwrap().contains("attempt 1 of 1"));
    assert_eq!(admin.job(Uuid::now_v7()).await.unwrap(), None);
    assert_eq!(database.count("archive").await, 1);
    worker.shutdown(STOP).await;
}
