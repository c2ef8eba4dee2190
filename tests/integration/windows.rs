//! Rates that begin anew with each window of the calendar.

use std::time::Duration;

use simple_queue::{Error, JobError, Limit, Rate, Window, WorkerHandle, prelude::*};

use crate::{
    rates::Starts,
    statements::carry_out,
    support::{STOP, TestDatabase, eventually},
};

/// A month ends during one test of half a million.
#[job(queue = "windows", rate(limit = 3, window = "month", tz = "Europe/Berlin", key = "{key}"))]
async fn of_keys(starts: &Starts, key: i64) {
    let _ = key;
    starts.add();
}

static QUOTA: Limit =
    Limit::named("quota").rate(Rate::in_each(Window::Month, 4, "America/New_York"));

#[job(queue = "windows", limits = [QUOTA])]
async fn of_a_quota(starts: &Starts) {
    starts.add();
}

async fn start(database: &TestDatabase) -> (Starts, Vec<(SimpleQueue, WorkerHandle)>) {
    let starts = Starts::default();
    let mut workers = Vec::new();
    for _ in 0..2 {
        let queue = database.queue().await;
        queue.register(jobs![OfKeys, OfAQuota], starts.clone()).unwrap();
        let worker = queue.start().await;
        workers.push((queue, worker));
    }
    (starts, workers)
}

async fn stop(workers: Vec<(SimpleQueue, WorkerHandle)>) {
    for (_, worker) in workers {
        worker.shutdown(STOP).await;
    }
}

/// The window that was used before is over.
async fn a_month_later(database: &TestDatabase, table: &str) {
    database
        .execute(&format!("update simple_queue.{table} set tat = tat - interval '31 days'"))
        .await;
}

#[tokio::test]
async fn a_window_has_no_more_starts_of_a_key_than_its_limit() {
    let database = TestDatabase::migrated().await;
    let (starts, workers) = start(&database).await;
    let queue = &workers[0].0;
    OfKeys::enqueue_all((0..20).map(|number| OfKeys::new(number % 2)), queue).await.unwrap();
    eventually("the windows are used up", async || database.count("archive").await == 6).await;
    let keys = queue.limits().keys("key:windows/of_keys", None, 10).await.unwrap();
    let rate = keys[0].rate.clone().unwrap();
    assert_eq!((rate.tokens, keys[0].waiting), (0, 7));
    assert_eq!(rate.declared, Rate::in_each(Window::Month, 3, "Europe/Berlin"));
    let first =
        "select (date_trunc('month', now() at time zone 'Europe/Berlin') + interval '1 month')
        at time zone 'Europe/Berlin'";
    let first: chrono::DateTime<chrono::Utc> = database.value(first).await;
    assert_eq!((rate.next_at, rate.full_at), (first, first));
    let waits = format!(
        "turns where due_at between '{first}' and '{first}'::timestamptz + interval '1 ms'"
    );
    assert_eq!(database.count(&waits).await, 2);
    // The next window has its limit again.
    a_month_later(&database, "gates").await;
    database.execute("update simple_queue.turns set due_at = null").await;
    database.execute("update simple_queue.gates set wake_at = null").await;
    OfKeys::new(0).enqueue(queue).await.unwrap();
    eventually("the next ones start", async || database.count("archive").await == 12).await;
    assert_eq!(starts.count(), 12);
    stop(workers).await;
}

#[tokio::test]
async fn a_quota_of_all_jobs_is_used_once_in_its_window_and_debts_count_in_the_next() {
    let database = TestDatabase::migrated().await;
    let (starts, workers) = start(&database).await;
    let queue = &workers[0].0;
    OfAQuota::enqueue_all((0..10).map(|_| OfAQuota::new()), queue).await.unwrap();
    eventually("the window is used up", async || database.count("archive").await == 4).await;
    let quota = async || queue.limits().find("quota").await.unwrap().unwrap().rate.unwrap();
    assert_eq!(quota().await.tokens, 0);
    // Two calls beside, which come out of the next window.
    queue.limits().charge("quota", 2).await.unwrap();
    let owed = "select tat > date_trunc('month', now() at time zone 'America/New_York') at time zone 'America/New_York'
        + interval '59 days' from simple_queue.limits where name = 'quota'";
    assert!(database.value::<bool>(owed).await);
    assert_eq!(starts.count(), 4);
    stop(workers).await;
}

#[tokio::test]
async fn tokens_of_a_window_are_counted_exactly_and_given_back() {
    let database = TestDatabase::migrated().await;
    let rate = r#"{"limit": 7, "per": 2592000, "burst": 7, "strict": false, "start_within": 10, "pace": 370285,
        "window": "month", "tz": "UTC"}"#;
    let insert = format!("insert into simple_queue.limits (name, rate) values ('w', '{rate}')");
    database.execute(&insert).await;
    let tokens = async || {
        let queue = database.queue().await;
        queue.limits().find("w").await.unwrap().unwrap().rate.unwrap().tokens
    };
    for (wanted, unused, left) in
        [("2", "0", 5), ("1", "0", 4), ("0", "1", 5), ("3", "0", 2), ("9", "0", 0)]
    {
        let mark = "(select array[tat] from simple_queue.limits)";
        let mark: String = database
            .value(&format!(
                "select coalesce('array[' || quote_nullable({mark}[1]) || '::timestamptz]', 'x')"
            ))
            .await;
        let (wanted, unused) = (format!("array[{wanted}]"), format!("array[{unused}]"));
        let arguments = vec![
            ("names", "array['w']"),
            ("wanted", wanted.as_str()),
            ("unused", unused.as_str()),
            ("marks", mark.as_str()),
            ("needs", "array[0::float8]"),
        ];
        let mut connection = database.pool.acquire().await.unwrap();
        assert_eq!(carry_out(&mut connection, "take_tokens", &arguments).await, 1);
        drop(connection);
        assert_eq!(tokens().await, left, "{wanted} {unused}");
    }
}

#[tokio::test]
async fn a_job_that_is_rate_limited_puts_a_window_off_but_does_not_use_it_up() {
    #[job(queue = "put_off", rate(limit = 100, window = "month", tz = "UTC"))]
    async fn call(starts: &Starts, number: i64) -> Result<(), BoxDynError> {
        starts.add();
        if number == 0 && starts.count() == 1 {
            return Err(JobError::rate_limited(Duration::from_secs(1)).into());
        }
        Ok(())
    }

    let database = TestDatabase::migrated().await;
    let (queue, starts) = (database.queue().await, Starts::default());
    queue.register(jobs![Call], starts.clone()).unwrap();
    let worker = queue.start().await;
    Call::new(0).enqueue(&queue).await.unwrap();
    eventually("it is put off", async || {
        database.count("limits where held_until > now() + interval '100 ms'").await == 1
    })
    .await;
    Call::enqueue_all((1..=5).map(Call::new), &queue).await.unwrap();
    eventually("all are done", async || database.count("jobs").await == 0).await;
    let all = starts.all();
    assert!(all[1] - all[0] > Duration::from_millis(900), "{:?}", all[1] - all[0]);
    assert_eq!(all.len(), 7);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn an_operator_changes_a_rate_to_one_of_windows() {
    let database = TestDatabase::migrated().await;
    let (starts, workers) = start(&database).await;
    let limits = workers[0].0.limits();
    OfAQuota::new().enqueue(&workers[0].0).await.unwrap();
    eventually("the limit is known", async || starts.count() == 1).await;
    limits.set_rate("quota", Rate::in_each(Window::Day, 9, "UTC")).await.unwrap();
    let rate = limits.find("quota").await.unwrap().unwrap().rate.unwrap();
    assert_eq!(rate.set_to.unwrap().to_string(), "9 in each day of UTC");
    let unfit = limits.set_rate("quota", Rate::in_each(Window::Day, 9, "Mars/Olympus")).await;
    assert!(unfit.unwrap_err().to_string().contains("Mars/Olympus"));
    let unknown = limits.set_rate("none", Rate::in_each(Window::Day, 9, "UTC")).await.unwrap_err();
    assert!(matches!(unknown, Error::Limit(_)), "{unknown}");
    stop(workers).await;
}
