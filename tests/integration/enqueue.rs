//! Stage 1: a payload and its options become a row.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use simple_queue::{Error, prelude::*};

use crate::support::{STOP, TestDatabase, eventually};

/// Greets a new user.
#[job(queue = "emails", retries = 5, backoff = "exponential")]
async fn send_welcome(mailer: &Mailer, user_id: i64, template: String) -> Result<(), BoxDynError> {
    mailer.sent.lock().unwrap().push((user_id, template));
    Ok(())
}

#[derive(Debug, Default)]
struct Mailer {
    sent: Mutex<Vec<(i64, String)>>,
}

#[derive(JobState)]
struct App {
    mailer: Arc<Mailer>,
}

#[tokio::test]
async fn a_declared_job_goes_from_its_call_to_the_archive() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let mailer = Arc::<Mailer>::default();
    queue.register(jobs![SendWelcome], App { mailer: Arc::clone(&mailer) }).unwrap();
    let enqueued = SendWelcome::new(42, "hello").enqueue(&queue).await.unwrap();
    assert!(enqueued.is_new());

    let worker = queue.start().await;
    eventually("the job is archived", async || database.count("archive").await == 1).await;
    worker.shutdown(STOP).await;

    assert_eq!(*mailer.sent.lock().unwrap(), [(42, "hello".to_owned())]);
    let row: (uuid::Uuid, String, String, i32, serde_json::Value) =
        sqlx::query_as("select id, queue, kind, attempt, job_data from simple_queue.archive")
            .fetch_one(&database.pool)
            .await
            .unwrap();
    let payload = serde_json::json!({"user_id": 42, "template": "hello"});
    assert_eq!(row, (enqueued.id(), "emails".into(), "send_welcome".into(), 1, payload));
    assert_eq!(database.count("jobs").await, 0);
    assert_eq!(database.count("workers").await, 0);
}

#[tokio::test]
async fn a_job_in_the_callers_transaction_is_there_only_if_it_commits() {
    let database = TestDatabase::migrated().await;
    let mut tx = database.pool.begin().await.unwrap();
    SendWelcome::new(1, "never").enqueue(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(database.count("jobs").await, 0);

    let mut tx = database.pool.begin().await.unwrap();
    SendWelcome::new(2, "hi").enqueue(&mut tx).await.unwrap();
    assert_eq!(database.count("jobs").await, 0, "before the commit");
    tx.commit().await.unwrap();
    assert_eq!(database.count("jobs").await, 1);
}

#[tokio::test]
async fn a_job_can_be_enqueued_on_a_pool_a_connection_and_a_queue_of_another_schema() {
    let database = TestDatabase::migrated().await;
    let other = database.owner().await.with_schema("other").unwrap();
    other.migrate().await.unwrap();

    SendWelcome::new(1, "pool").enqueue(&database.pool).await.unwrap();
    let mut connection = database.pool.acquire().await.unwrap();
    SendWelcome::new(2, "pooled").enqueue(&mut connection).await.unwrap();
    SendWelcome::new(3, "bare").enqueue(&mut *connection).await.unwrap();
    assert_eq!(database.count("jobs").await, 3);

    SendWelcome::new(4, "queue").enqueue(&other).await.unwrap();
    let mut tx = database.pool.begin().await.unwrap();
    SendWelcome::new(5, "tx").enqueue(other.on(&mut tx)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(database.value::<i64>("select count(*) from other.jobs").await, 2);
    assert_eq!(database.count("jobs").await, 3);
}

#[tokio::test]
async fn many_jobs_are_stored_together_in_their_order() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let jobs = (0..2500).map(|user_id| SendWelcome::new(user_id, "hi"));
    let enqueued = SendWelcome::enqueue_all(jobs, &queue).await.unwrap();

    assert_eq!(enqueued.len(), 2500);
    assert!(enqueued.iter().all(simple_queue::Enqueued::is_new));
    let ids: Vec<uuid::Uuid> = sqlx::query_scalar(
        "select id from simple_queue.jobs order by (job_data ->> 'user_id')::bigint",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap();
    assert!(enqueued.iter().map(simple_queue::Enqueued::id).eq(ids.iter().copied()));
    assert!(ids.is_sorted(), "the order of the ids is the order of the jobs");
    let none: [SendWelcome; 0] = [];
    assert!(SendWelcome::enqueue_all(none, &queue).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_delay_counts_from_the_databases_clock_and_a_time_in_the_past_means_now() {
    let database = TestDatabase::migrated().await;
    let hour = Duration::from_hours(1);
    let past = chrono::DateTime::UNIX_EPOCH;
    SendWelcome::new(1, "later").delay(hour).enqueue(&database.pool).await.unwrap();
    SendWelcome::new(2, "late").at(past).priority(-5).enqueue(&database.pool).await.unwrap();

    let delayed = "run_at = created_at + interval '1 hour' and scheduled_at = run_at";
    assert_eq!(database.count(&format!("jobs where {delayed}")).await, 1);
    let raised = "run_at = created_at and scheduled_at = 'epoch' and priority = -5";
    assert_eq!(database.count(&format!("jobs where {raised}")).await, 1);
}

#[tokio::test]
async fn the_options_of_a_call_win_over_the_declaration() {
    let database = TestDatabase::migrated().await;
    let job = || SendWelcome::new(1, "hi").priority(3).queue("other").retries(0).unique_key("one");
    let first = job().enqueue(&database.pool).await.unwrap();
    let second = job().priority(4).enqueue(&database.pool).await.unwrap();
    assert_eq!(second.id(), first.id());
    let row = "jobs where priority = 3 and queue = 'other' and max_attempts = 1
        and unique_key = 'send_welcome:one' and run_at = created_at";
    assert_eq!(database.count(row).await, 1);
}

#[tokio::test]
async fn bad_input_is_refused_before_anything_is_written() {
    let database = TestDatabase::migrated().await;
    let jobs = vec![
        SendWelcome::new(1, "fine"),
        SendWelcome::new(2, "a \0 in a text"),
        SendWelcome::new(3, "fine"),
    ];
    let error = SendWelcome::enqueue_all(jobs, &database.pool).await.unwrap_err();
    assert!(matches!(error, Error::InvalidPayload { .. }), "{error}");
    assert_eq!(database.count("jobs").await, 0);
}

#[tokio::test]
async fn a_job_that_is_inserted_again_is_still_one_job() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let job = Job::new("emails", 1);
    assert_eq!(queue.insert_job(job.clone()).await.unwrap(), Some(job.id));
    assert_eq!(queue.insert_job(job).await.unwrap(), None);
    assert_eq!(database.count("jobs").await, 1);
}

#[tokio::test]
async fn two_clones_of_one_job_are_refused_and_a_taken_id_ends_the_search_for_a_key() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let job = Job::new("emails", 1).with_unique_key("a");
    let clones = vec![job.clone(), job.clone().with_unique_key("b")];
    let error = queue.insert_jobs(clones).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::DuplicateId { .. })), "{error}");
    assert_eq!(queue.insert_job(job.clone()).await.unwrap(), Some(job.id));
    assert_eq!(queue.insert_job(job.with_unique_key("b")).await.unwrap(), None);
    assert_eq!(database.count("jobs where unique_key = 'a'").await, 1);
}

#[tokio::test]
async fn a_time_that_never_comes_is_refused_and_the_ends_of_the_calendar_are_not() {
    let database = TestDatabase::migrated().await;
    for time in [chrono::DateTime::<chrono::Utc>::MIN_UTC, chrono::DateTime::<chrono::Utc>::MAX_UTC]
    {
        SendWelcome::new(1, "hi").at(time).enqueue(&database.pool).await.unwrap();
    }
    assert_eq!(database.count("jobs where run_at = created_at").await, 1);
    assert_eq!(database.count("jobs where run_at > '9999-12-30'").await, 1);
    let never = "select simple_queue.enqueue('emails', '', '1', run_at => 'infinity')";
    let refused = sqlx::query(never).execute(&database.pool).await.unwrap_err().to_string();
    assert!(refused.contains("the run_at \"infinity\" is refused"), "{refused}");
}

#[tokio::test]
async fn the_sql_function_does_what_the_call_does() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let mailer = Arc::<Mailer>::default();
    queue.register(jobs![SendWelcome], App { mailer: Arc::clone(&mailer) }).unwrap();
    let enqueue = "select outcome = 'inserted' from simple_queue.enqueue(
        'emails', 'send_welcome', '{\"user_id\": 7, \"template\": \"sql\"}', unique_key => 'send_welcome:7')";
    assert!(database.value::<bool>(enqueue).await);
    assert!(!database.value::<bool>(enqueue).await, "a live job has the key");
    let version = database.value::<String>("select substr(id::text, 15, 1) from simple_queue.jobs");
    assert_eq!(version.await, "7");

    let worker = queue.start().await;
    eventually("the job is archived", async || database.count("archive").await == 1).await;
    assert_eq!(*mailer.sent.lock().unwrap(), [(7, "sql".to_owned())]);
    assert!(database.value::<bool>(enqueue).await, "the key is free again");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn the_sql_function_replaces_puts_off_and_refuses_as_the_call_does() {
    let database = TestDatabase::migrated().await;
    let enqueue = async |data: &str, more: &str| -> Result<(uuid::Uuid, String), String> {
        let sql = format!(
            "select id, outcome from simple_queue.enqueue('q', 'k', '{data}', unique_key => 'key' {more})"
        );
        let row = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_one(&database.pool).await;
        row.map_err(|error| error.to_string())
    };
    let (id, _) = enqueue("1", ", version => 2, tags => '{a}', retain => '1 h'").await.unwrap();
    let said = async |data: &str, more: &str| {
        let (found, outcome) = enqueue(data, more).await.unwrap();
        assert_eq!(found, id);
        outcome
    };
    assert_eq!(said("2", "").await, "duplicate");
    assert_eq!(
        database.count("jobs where job_data = '1' and version = 2 and tags = '{a}'").await,
        1
    );
    assert_eq!(said("3", ", priority => 5, on_conflict => 'replace'").await, "replaced");
    assert_eq!(database.count("jobs where job_data = '3' and priority = 5").await, 1);
    let later = ", run_at => now() + interval '1 h', on_conflict => 'reschedule'";
    assert_eq!(said("4", later).await, "rescheduled");
    assert_eq!(database.count("jobs where job_data = '3' and run_at > now()").await, 1);
    let refused = enqueue("5", ", on_conflict => 'error'").await.unwrap_err();
    assert!(refused.contains(&format!("job {id} has the unique key \"key\" already")), "{refused}");
    let unknown = enqueue("6", ", on_conflict => 'x'").await.unwrap_err();
    assert!(unknown.contains("the on_conflict \"x\" is refused"), "{unknown}");

    database.change_jobs().running_nowhere().write().await;
    assert_eq!(said("7", ", on_conflict => 'replace'").await, "duplicate");
    assert_eq!(database.count("jobs").await, 1);
}

#[tokio::test]
async fn two_jobs_of_one_name_in_two_lists_are_refused_with_both_places() {
    mod elsewhere {
        use simple_queue::prelude::*;

        #[job(queue = "emails")]
        pub(super) async fn send_welcome() {}
    }
    let database = TestDatabase::empty().await;
    let queue = database.queue().await;
    queue.register(jobs![SendWelcome], App { mailer: Arc::default() }).unwrap();
    let error = queue.register(jobs![elsewhere::SendWelcome], ()).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("`send_welcome`"), "{message}");
    assert_eq!(message.matches("tests/integration/enqueue.rs:").count(), 2, "{message}");
}

#[tokio::test]
async fn of_many_jobs_each_can_have_options_of_its_own() {
    let database = TestDatabase::migrated().await;
    let (queue, hour) = (database.queue().await, Duration::from_hours(1));
    let jobs = vec![
        SendWelcome::new(1, "hi").into(),
        SendWelcome::new(2, "hi").delay(hour).expires(hour),
        SendWelcome::new(3, "hi").priority(-5).queue("other").retries(0),
        SendWelcome::new(4, "hi").tags(["a", "b"]),
        SendWelcome::new(5, "hi").unique_key("key"),
        SendWelcome::new(6, "hi").at(chrono::DateTime::UNIX_EPOCH),
    ];
    let enqueued = SendWelcome::enqueue_all(jobs, &queue).await.unwrap();
    let expected = [
        "run_at = created_at and scheduled_at is null and queue = 'emails' and max_attempts is null",
        "run_at = created_at + interval '1 h' and expires_at = run_at + interval '1 h' and scheduled_at = run_at",
        "priority = -5 and queue = 'other' and max_attempts = 1",
        "tags = '{a,b}'",
        "unique_key = 'send_welcome:key'",
        "run_at = created_at and scheduled_at = 'epoch'",
    ];
    for (n, (job, expected)) in enqueued.iter().zip(expected).enumerate() {
        let row = format!("jobs where id = '{}' and job_data->>'user_id' = '{}'", job.id(), n + 1);
        assert_eq!(database.count(&format!("{row} and {expected}")).await, 1, "{expected}");
    }
    assert_eq!(database.count("jobs where tags is null and expires_at is null").await, 4);
}

#[tokio::test]
async fn many_jobs_that_share_their_options_get_all_of_them() {
    #[job(
        queue = "reports",
        delay = "1h",
        expires = "2h",
        priority = 7,
        retain = "3h",
        tags("a", "b"),
        fingerprint = "customer:{customer_id}"
    )]
    async fn report(customer_id: i64) {
        assert_ne!(customer_id, 0);
    }

    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    Report::enqueue_all((0..10).map(Report::new), &queue).await.unwrap();
    Report::new(10).enqueue(&queue).await.unwrap();
    Report::new(11).enqueue(&database.pool).await.unwrap();
    let right = "jobs where queue = 'reports' and kind = 'report' and priority = 7
        and run_at = created_at + interval '1 h' and scheduled_at = run_at
        and expires_at = run_at + interval '2 h' and retain = interval '3 h' and tags = '{a,b}'
        and fingerprint like '%customer:' || (job_data->>'customer_id') and version = 1";
    assert_eq!(database.count(right).await, 12);
}
