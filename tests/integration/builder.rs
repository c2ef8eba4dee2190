//! Settings: conflicts between them are refused, and each takes effect.

use std::time::Duration;

use simple_queue::{Error, ErrorKind, Retention, SimpleQueueBuilder, prelude::*};
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::support::{Probe, STOP, Say, TestDatabase, eventually};

/// A pool whose address leads nowhere; it is never connected.
fn pool() -> PgPool {
    PgPoolOptions::new().connect_lazy("postgres://app@db:5432/app").unwrap()
}

fn problems(builder: SimpleQueueBuilder) -> Vec<String> {
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    match error {
        Error::InvalidSettings { problems, .. } => problems,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_refused_with_both_values_and_the_fix() {
    let hour = Duration::from_hours(1);
    let build = || SimpleQueue::builder(pool());
    let servers =
        ["postgres://app@one/app", "postgres://app@two/app"].map(|url| url.parse().unwrap());
    let cases = [
        (
            build().permits(10).queue_permits("emails", 20),
            "`queue_permits(\"emails\")` is 20, and `permits`, for all queues together, is 10: raise `permits` to 20",
        ),
        (
            build().permits(10).default_queue_permits(11),
            "`default_queue_permits` is 11, and `permits`, for all queues together, is 10",
        ),
        (build().permits(0), "`permits` is 0, so none of its jobs would ever run"),
        (build().queue_permits("emails", 0), "`queue_permits(\"emails\")` is 0"),
        (build().queue_weight("emails", 0), "`queue_weight(\"emails\")` is 0"),
        (
            build().priority_aging("emails", Duration::ZERO),
            "`priority_aging(\"emails\")` is 0ns: it must be from 10ms",
        ),
        (build().permits(2_000_000), "`permits` is 2000000: the limit is 1000000"),
        (build().queue_backoff("My Queue", Backoff::NONE), "`queue_backoff` is set for `My Queue`"),
        (
            build().heartbeat_interval(Duration::ZERO),
            "`heartbeat_interval` is 0ns: it must be from 10ms",
        ),
        (
            build().poll_interval(25 * hour),
            "`poll_interval` is 90000s: it must be from 10ms to 86400s",
        ),
        (
            build().statement_timeout(2 * hour),
            "`statement_timeout` is 7200s: it must be from 100ms",
        ),
        (build().servers([]), "`servers` names no server"),
        (
            build().direct_url("postgres://one,two/app"),
            "`direct_url` names 2 servers: it is the way past a pooler",
        ),
        (
            build().direct_url("postgres://other@db/app"),
            "`direct_url` and the pool both lead to `db:5432/app`, so there is no pooler",
        ),
        (
            build().servers(servers.clone()).direct_url("postgres://app@three/app"),
            "`servers` names 2 servers, of which the queue follows the one that is writable, and `direct_url` one",
        ),
        (
            SimpleQueue::builder("postgres://one,two/app").direct_url("postgres://app@three/app"),
            "the URL names 2 servers, of which the queue follows",
        ),
        (
            SimpleQueue::builder("postgres://one,two/app").servers(servers),
            "the URL names 2 servers, and `servers` 2: name them in one of the two",
        ),
    ];
    for (builder, expected) in cases {
        let said = problems(builder);
        assert!(said.len() == 1 && said[0].contains(expected), "{expected}: {said:?}");
    }
    let many = build().permits(1).queue_permits("a", 2).queue_permits("B", 3);
    assert_eq!(problems(many).len(), 3, "all problems are named at once");
}

#[tokio::test]
async fn values_that_cannot_be_read_are_refused_before_a_connection_is_opened() {
    let url = SimpleQueue::builder("mysql://db/app").build().unwrap_err();
    assert!(matches!(url, Error::InvalidUrl { .. }), "{url}");
    let schema = SimpleQueue::builder(pool()).schema("My Schema").build().unwrap_err();
    assert!(matches!(schema, Error::InvalidSchema { .. }), "{schema}");
    let direct = SimpleQueue::builder(pool()).direct_url("db").build().unwrap_err();
    assert!(matches!(direct, Error::InvalidUrl { .. }), "{direct}");
}

#[test]
fn a_pool_for_a_url_needs_a_runtime_and_says_so() {
    let said = problems(SimpleQueue::builder("postgres://db/app"));
    assert!(said[0].contains("needs a tokio runtime"), "{said:?}");
}

#[tokio::test]
async fn a_queue_that_was_built_works_with_its_settings() {
    let database = TestDatabase::empty().await;
    let queue = SimpleQueue::builder(&database.url)
        .schema("shop")
        .permits(2)
        .default_backoff(Backoff::NONE)
        .heartbeat_interval(Duration::from_millis(200))
        .poll_interval(Duration::from_millis(50))
        .retention(Retention::new().archive(Duration::ZERO))
        .connect()
        .await
        .unwrap();
    queue.migrate().await.unwrap();
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    queue.insert_jobs((0..5).map(|_| Probe::job(Say::WaitForGate)).collect()).await.unwrap();
    probe.next_run().await;
    probe.next_run().await;
    probe.open_gate(5);
    let left = "select count(*) from shop.jobs";
    eventually("all are done", async || database.value::<i64>(left).await == 0).await;
    worker.shutdown(STOP).await;
    assert_eq!(probe.most_at_once(), 2);
    assert_eq!(database.value::<i64>("select count(*) from shop.archive").await, 0);
}

#[tokio::test]
async fn permits_that_are_changed_after_the_start_take_effect() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    queue.with_queue_semaphore(Probe::QUEUE, 1);
    let worker = queue.start().await;
    queue.insert_jobs((0..30).map(|_| Probe::job(Say::WaitForGate)).collect()).await.unwrap();
    probe.next_run().await;
    queue.with_queue_semaphore(Probe::QUEUE, 3);
    probe.open_gate(1);
    for _ in 0..3 {
        probe.next_run().await;
    }
    // Permits that are in use are removed when their jobs release them.
    queue.with_queue_semaphore(Probe::QUEUE, 1);
    let one_is_left = async || {
        probe.open_gate(usize::from(probe.running() > 1));
        probe.running() == 1
    };
    eventually("what is free is not given on", one_is_left).await;
    probe.other_runs().await;
    for _ in 0..3 {
        probe.open_gate(1);
        probe.next_run().await;
        assert_eq!(probe.running(), 1);
    }
    probe.open_gate(30);
    worker.shutdown(STOP).await;
    assert_eq!(probe.most_at_once(), 3);
}

#[tokio::test]
#[should_panic(
    expected = "`with_heartbeat_interval` was called after the start, when it has no effect"
)]
async fn a_setting_that_comes_too_late_is_a_panic() {
    let queue = TestDatabase::migrated().await.queue().await;
    drop(queue.start());
    drop(queue.with_heartbeat_interval(Duration::from_secs(1)));
}

#[tokio::test]
async fn a_schema_that_comes_after_the_handlers_is_refused() {
    let queue = SimpleQueue::new(pool());
    queue.register_handler(Probe::new());
    let refused = queue.with_schema("other").unwrap_err().to_string();
    assert!(
        refused.contains("handlers of [\"probe\"] are registered in `simple_queue`"),
        "{refused}"
    );
}

#[job(name = "first")]
async fn first() {}

#[job(name = "second", aliases("taken"))]
async fn second() {}

#[job(name = "taken", queue = "others")]
async fn taken() {}

#[tokio::test]
async fn of_a_list_with_a_name_that_is_taken_nothing_is_registered() {
    let queue = SimpleQueue::new(pool());
    queue.register(jobs![Second], ()).unwrap();
    let refused = queue.register(jobs![First, Taken], ()).unwrap_err();
    assert!(matches!(refused, Error::DuplicateKind { kind: "taken", .. }), "{refused}");
    // The jobs before it in the list are not registered either.
    queue.register(jobs![First], ()).unwrap();
    assert_eq!(format!("{queue:?}").matches("others").count(), 0, "{queue:?}");
}

#[tokio::test]
async fn a_number_of_permits_of_the_predecessor_that_would_stop_everything_becomes_one() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let queue = queue.with_global_semaphore(0).with_queue_default_semaphore_size(0);
    queue.with_queue_semaphore(Probe::QUEUE, 0);
    queue.register_handler(Probe::new());
    let id = queue.insert_job(Probe::job(Say::Success)).await.unwrap().unwrap();
    let worker = queue.start().await;
    queue.wait(id, Duration::from_secs(10)).await.unwrap();
    worker.shutdown(STOP).await;
}
