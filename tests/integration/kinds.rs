//! Kinds as workers declare them, for processes without their code.

use serde_json::json;
use simple_queue::{Acted, ErrorKind, Inserted, JobFilter, prelude::*};

use crate::support::{STOP, TestDatabase};

/// Sends a letter to a person.
#[job(queue = "post", retries = 7, priority = -2, timeout = "30s", aliases("old_letter"))]
async fn letter(to: String, #[job(redact)] code: String, #[job(default)] copies: u32) {
    let _ = (to, code, copies);
}

#[job(queue = "post")]
async fn empty() {}

#[tokio::test]
async fn a_worker_declares_its_kinds_before_it_looks_for_jobs() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![Letter, Empty], ()).unwrap();
    assert!(queue.kinds().await.unwrap().is_empty());
    let worker = queue.start().await;
    // The process that looks does not have the code.
    let elsewhere = database.queue().await;
    let kinds = elsewhere.kinds().await.unwrap();
    let lines: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        ["empty (post): ", "letter (post): to: String, code: String, copies: u32 = …"]
    );
    let letter = &kinds[1];
    assert_eq!((letter.max_attempts, letter.priority, letter.timeout_s), (Some(8), -2, Some(30)));
    assert_eq!(
        (letter.aliases.as_slice(), letter.workers),
        (["old_letter".to_owned()].as_slice(), 1)
    );
    assert!(letter.declared_in.contains("kinds.rs:"), "{}", letter.declared_in);
    worker.shutdown(STOP).await;
    assert_eq!(elsewhere.kinds().await.unwrap()[1].workers, 0);
}

#[tokio::test]
async fn the_later_version_of_a_kind_stays_when_an_older_worker_declares_it_too() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![Letter], ()).unwrap();
    database
        .execute(
            "insert into simple_queue.kinds (kind, queue, version, arguments, options, declared_in, declared_at)
            values ('letter', 'newer', 2, '[]', '{}', 'src/newer.rs:1', now() - interval '1 d')",
        )
        .await;
    let worker = queue.start().await;
    let kinds = queue.kinds().await.unwrap();
    assert_eq!((kinds[0].version, &*kinds[0].queue), (2, "newer"));
    let is_said_again: bool = database
        .value("select declared_at > now() - interval '1 min' from simple_queue.kinds")
        .await;
    assert!(is_said_again);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_worker_does_not_wait_for_a_transaction_that_has_locked_its_kind() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![Letter, Empty], ()).unwrap();
    queue.start().await.shutdown(STOP).await;
    database.execute("delete from simple_queue.kinds where kind = 'empty'").await;
    let mut other = database.pool.begin().await.unwrap();
    sqlx::query("select from simple_queue.kinds for update").execute(&mut *other).await.unwrap();
    let before: String = database
        .value("select declared_at::text from simple_queue.kinds where kind = 'letter'")
        .await;
    let worker = queue.start().await;
    let kinds = queue.kinds().await.unwrap();
    assert_eq!(kinds.len(), 2, "the other kind is declared");
    let is_as_before = format!("kinds where kind = 'letter' and declared_at = '{before}'");
    assert_eq!(database.count(&is_as_before).await, 1);
    other.rollback().await.unwrap();
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_hidden_argument_stays_hidden_in_a_process_without_its_code() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![Letter], ()).unwrap();
    queue.start().await.shutdown(STOP).await;
    let sent = Letter::new("Ann".to_owned(), "s3cret".to_owned(), 1);
    let id = sent.enqueue(&queue).await.unwrap().id();
    let admin = database.queue().await.admin().as_actor("eve");
    let shown = format!("{:?}", admin.job(id).await.unwrap().unwrap());
    assert!(shown.contains("Ann") && !shown.contains("s3cret"), "{shown}");
    let filter = JobFilter::any();
    let listed = format!("{:?}", admin.find(&filter).with_contents().await.unwrap());
    assert!(listed.contains("Ann") && !listed.contains("s3cret"), "{listed}");
    let search = JobFilter::any().args("code", "s3cret");
    assert_eq!(admin.find(&search).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    // An edit with the mask in it keeps the value.
    let edited = json!({"to": "Bob", "code": "…", "copies": 2});
    assert_eq!(admin.edit(id).args(edited).await.unwrap(), Acted::Done);
    let stored: String = database.value("select job_data ->> 'code' from simple_queue.jobs").await;
    assert_eq!(stored, "s3cret");
}

#[tokio::test]
async fn a_job_by_hand_has_the_declared_queue_and_priority_and_its_arguments_are_checked() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![Letter], ()).unwrap();
    queue.start().await.shutdown(STOP).await;
    let admin = database.queue().await.admin().as_actor("ann");
    let args = json!({"to": "Ann", "code": "1"});
    let inserted = admin.enqueue_raw("letter", args).await.unwrap();
    assert!(matches!(inserted, Inserted::Done(_)), "{inserted:?}");
    let row: String =
        database.value("select queue || ' ' || priority from simple_queue.jobs").await;
    assert_eq!(row, "post -2");
    for (args, problem) in [
        (json!({"to": "Ann"}), "the argument `code` is missing"),
        (json!({"to": "Ann", "code": "1", "cc": 2}), "there is no argument `cc`"),
        (json!([1]), "the arguments are no JSON object"),
    ] {
        let error = admin.enqueue_raw("letter", args).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(problem), "{error}");
    }
    let unknown = admin.enqueue_raw("nothing", ()).await.unwrap_err().to_string();
    assert!(unknown.contains("no worker has declared the kind `nothing`"), "{unknown}");
}
