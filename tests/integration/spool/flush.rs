//! What happens to spooled jobs when the database is back.

use std::{fs, time::Duration};

use simple_queue::{Error, JobStatus, Role, prelude::*};
use sqlx::postgres::PgPoolOptions;
use test_support::{Fault, Place, Proxy};

use super::{Away, CountUp, Later, queue_at, spool_at};
use crate::support::{Probe, STOP, Say, TestDatabase, eventually, refuse, refusing};

#[tokio::test]
async fn a_job_that_the_database_refuses_goes_aside_and_blocks_none() {
    let database = refusing(&[]).await;
    let away = Away::on(database, |spool| spool).await;
    away.break_network();
    let mut ids = Vec::new();
    for number in 0..20 {
        let mood = if number == 7 { "bad" } else { "good" };
        let job = CountUp::new(number).metadata(serde_json::json!({ "is": mood }));
        let job = job.enqueue(&away.queue).await.unwrap();
        assert!(job.is_spooled());
        ids.push(job.id());
    }
    refuse(&away.database, "insert on simple_queue.jobs").await;
    away.mend_network();
    away.is_empty().await;
    let expected: Vec<i64> = (0..20).map(|number| i64::from(number != 7)).collect();
    assert_eq!(away.found(&ids).await, expected);
    assert_eq!(away.spool().status().refused, 1);
    let rejected = fs::read_to_string(&away.place.files("rejected")[0]).unwrap();
    let rejected: serde_json::Value = serde_json::from_str(rejected.trim()).unwrap();
    assert_eq!(rejected["job"]["id"], ids[7].to_string());
    assert!(rejected["reason"].as_str().unwrap().contains("out of range"), "{rejected}");
    assert_eq!(away.place.files("spool").len(), 0);
}

#[tokio::test]
async fn a_job_whose_insert_was_not_heard_of_runs_once() {
    let away = Away::new().await;
    let probe = Probe::new();
    let worker = away.database.queue().await;
    worker.register(jobs![CountUp], ()).unwrap();
    worker.register_handler(probe.clone());
    let worker = worker.start().await;

    let lost = away.proxy.lose_answer_to("insert_alike_jobs");
    away.proxy.set_for_new(Fault::Cut);
    let spooled = CountUp::new(1).enqueue(&away.queue).await.unwrap();
    lost.await.unwrap();
    assert!(spooled.is_spooled());
    let archived = format!("archive where id = '{}'", spooled.id());
    eventually("it has run", async || away.database.count(&archived).await == 1).await;
    away.mend_network();
    away.is_empty().await;
    assert_eq!(away.spool().status().refused, 0, "it counts as written");
    away.queue.insert_job(Probe::job(Say::Success)).await.unwrap();
    probe.next_run().await;
    worker.shutdown(STOP).await;
    assert_eq!(away.found(&[spooled.id()]).await, [1]);
    assert_eq!(away.database.count(&format!("{archived} and attempt = 1")).await, 1);
}

#[tokio::test]
async fn a_database_that_takes_no_job_at_all_sets_none_aside() {
    let away = Away::new().await;
    away.break_network();
    let spooled = CountUp::new(1).enqueue(&away.queue).await.unwrap();
    away.database.execute("alter table simple_queue.jobs rename to jobs_elsewhere").await;
    away.mend_network();
    eventually("the error is shown", async || {
        let status = away.spool().status();
        status.last_error.is_some_and(|error| error.contains("simple_queue.jobs"))
            && !status.is_away
    })
    .await;
    assert_eq!(away.spool().status().jobs, 1);
    let error = CountUp::new(2).enqueue(&away.queue).await.unwrap_err();
    assert!(matches!(error, Error::NotMigrated { .. }), "it is no case for the spool: {error}");
    away.database.execute("alter table simple_queue.jobs_elsewhere rename to jobs").await;
    assert_eq!(away.spool().flush().await.unwrap(), 1);
    assert_eq!(away.found(&[spooled.id()]).await, [1]);
    assert_eq!(away.place.files("rejected").len(), 0);
}

#[tokio::test]
async fn delays_and_times_to_wait_count_from_the_call() {
    let away = Away::new().await;
    away.break_network();
    let job = Later::new(1).enqueue(&away.queue).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    away.mend_network();
    away.is_empty().await;
    let seconds = |column: &str| {
        format!(
            "select extract(epoch from {column} - created_at)::float8 from simple_queue.jobs where id = '{}'",
            job.id()
        )
    };
    // `created_at` is when it was stored.
    let due: f64 = away.database.value(&seconds("run_at")).await;
    assert!(due < 3599.5 && due > 3500.0, "{due}");
    let expires: f64 = away.database.value(&seconds("expires_at - run_at + created_at")).await;
    assert!((expires - 7200.0).abs() < 0.1, "{expires}");
}

#[tokio::test]
async fn the_files_of_a_queue_that_is_gone_are_flushed_by_another() {
    let Away { database, proxy, place, queue } = Away::new().await;
    proxy.set(Fault::Cut);
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(CountUp::new(number).enqueue(&queue).await.unwrap().id());
    }
    assert_eq!(place.files("spool").len(), 1);
    drop(queue);
    let other = queue_at(&database.url, spool_at(&place));
    eventually("they are taken over", async || {
        other.spool().flush().await.unwrap();
        place.files("spool").is_empty()
    })
    .await;
    assert_eq!(database.count("jobs").await, 4);
    assert_eq!(other.spool().status().jobs, 0);
    assert_eq!(other.status(ids[0]).await.unwrap(), JobStatus::Pending);
}

#[tokio::test]
async fn a_role_that_may_not_write_to_the_tables_flushes_through_the_function() {
    let database = TestDatabase::migrated().await;
    let role = database.granted("web", &[Role::Enqueuer]).await;
    let proxy = Proxy::start(&database.url).await;
    let place = Place::new();
    let url = proxy.url(&database.url);
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    let pool = PgPoolOptions::new()
        .connect_lazy_with(options.username(role.get_username()).password("secret"));
    let queue = SimpleQueue::builder(pool).spool(spool_at(&place)).build().unwrap();
    proxy.set(Fault::Cut);
    let job = CountUp::new(1).enqueue(&queue).await.unwrap();
    assert!(job.is_spooled());
    proxy.set(Fault::None);
    eventually("it is written", async || queue.spool().status().jobs == 0).await;
    assert_eq!(database.count(&format!("jobs where id = '{}'", job.id())).await, 1);
    assert_eq!(queue.spool().status().refused, 0);
}
