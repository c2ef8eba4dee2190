//! Stage 1, while the database is away: jobs wait in files.

mod flush;

use std::{fs, time::Duration};

use simple_queue::{Error, QueueSpool, Spool, prelude::*};
use sqlx::postgres::PgPoolOptions;
use test_support::{Fault, Place, Proxy};
use uuid::Uuid;

use crate::support::{Log, TestDatabase, eventually};

/// A job that may be spooled.
#[job(queue = "spooled")]
async fn count_up(number: i64) {
    let _ = number;
}

#[job(queue = "spooled", spool = false)]
async fn must_be_stored(number: i64) {
    let _ = number;
}

#[job(queue = "spooled", unique = "{number}")]
async fn keyed(number: i64) {
    let _ = number;
}

#[job(queue = "spooled", unique(key = "{number}", on_conflict = "error"), spool = true)]
async fn keyed_and_spooled(number: i64) {
    let _ = number;
}

#[job(queue = "spooled", delay = "1h", expires = "2h")]
async fn later(number: i64) {
    let _ = number;
}

/// A queue with a spool, which reaches its database through a proxy.
struct Away {
    database: TestDatabase,
    proxy: Proxy,
    place: Place,
    queue: SimpleQueue,
}

impl Away {
    async fn new() -> Self {
        Self::with(|spool| spool).await
    }

    async fn with(settings: impl FnOnce(Spool) -> Spool) -> Self {
        Self::on(TestDatabase::migrated().await, settings).await
    }

    async fn on(database: TestDatabase, settings: impl FnOnce(Spool) -> Spool) -> Self {
        let proxy = Proxy::start(&database.url).await;
        let place = Place::new();
        let queue = queue_at(&proxy.url(&database.url), settings(spool_at(&place)));
        // The first connection learns what it leads to.
        CountUp::new(0).enqueue(&queue).await.unwrap();
        let away = Self { database, proxy, place, queue };
        // On a busy machine it may have been late, and spooled.
        away.is_empty().await;
        away
    }

    fn break_network(&self) {
        self.proxy.set(Fault::Cut);
    }

    fn mend_network(&self) {
        self.proxy.set(Fault::None);
    }

    fn spool(&self) -> QueueSpool {
        self.queue.spool()
    }

    async fn is_empty(&self) {
        eventually("all jobs are written", async || self.spool().status().jobs == 0).await;
    }

    /// How often each of these jobs is in a table.
    async fn found(&self, ids: &[Uuid]) -> Vec<i64> {
        let mut found = Vec::new();
        for id in ids {
            found.push(self.database.count(&format!("all_jobs where id = '{id}'")).await);
        }
        found
    }
}

fn spool_at(place: &Place) -> Spool {
    Spool::at(place.path()).patience(Duration::from_millis(300))
}

fn queue_at(url: &str, spool: Spool) -> SimpleQueue {
    let pool = PgPoolOptions::new()
        .max_connections(5)
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy(url)
        .unwrap();
    let queue = SimpleQueue::builder(pool)
        .statement_timeout(Duration::from_secs(1))
        .heartbeat_interval(Duration::from_millis(200));
    queue.spool(spool).build().unwrap()
}

#[tokio::test]
async fn a_job_waits_in_a_file_while_the_database_is_away_and_is_stored_when_it_is_back() {
    let away = Away::new().await;
    let stored = CountUp::new(1).enqueue(&away.queue).await.unwrap();
    assert!(!stored.is_spooled() && stored.is_new());
    assert_eq!(away.place.files("spool").len(), 0, "nothing is written before it is needed");

    away.break_network();
    let spooled = CountUp::new(2).enqueue(&away.queue).await.unwrap();
    assert!(spooled.is_spooled() && spooled.is_new(), "{spooled:?}");
    let status = away.spool().status();
    assert_eq!((status.jobs, status.is_away), (1, true), "{status:?}");
    assert!(status.bytes > 0 && status.oldest.is_some());
    assert_eq!(away.place.files("spool").len(), 1);
    let error = away.spool().flush().await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(away.spool().status().last_error.is_some());

    away.mend_network();
    away.is_empty().await;
    assert_eq!(away.found(&[spooled.id()]).await, [1]);
    let data = format!("select job_data from simple_queue.jobs where id = '{}'", spooled.id());
    assert_eq!(
        away.database.value::<serde_json::Value>(&data).await,
        serde_json::json!({"number": 2})
    );
    assert_eq!(away.place.files("spool").len(), 0);
    eventually("the database counts as there", async || {
        let status = away.spool().status();
        !status.is_away && status.last_error.is_none()
    })
    .await;
    assert!(!CountUp::new(3).enqueue(&away.queue).await.unwrap().is_spooled());
}

#[tokio::test]
async fn writers_see_no_error_through_an_outage_and_every_job_is_there_once() {
    let away = Away::new().await;
    let writers = (0..8).map(|writer| {
        let queue = away.queue.clone();
        tokio::spawn(async move {
            let (mut ids, mut after) = (Vec::new(), 0);
            // Until some are spooled and some are stored again.
            for number in 0.. {
                let job = CountUp::new(writer * 1_000_000 + number).enqueue(&queue).await.unwrap();
                ids.push((job.id(), job.is_spooled()));
                let was_away = ids.iter().any(|(_, spooled)| *spooled);
                after += usize::from(was_away && !job.is_spooled());
                if after == 5 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            ids
        })
    });
    let writers: Vec<_> = writers.collect();
    away.break_network();
    eventually("jobs are spooled", async || away.spool().status().jobs > 200).await;
    away.mend_network();
    let mut ids = Vec::new();
    for writer in writers {
        ids.extend(writer.await.unwrap());
    }
    away.is_empty().await;
    assert!(ids.iter().filter(|(_, spooled)| *spooled).count() > 200);
    // And the one with which the test began.
    let there = away.database.count("jobs where queue = 'spooled'").await;
    assert_eq!(usize::try_from(there).unwrap(), ids.len() + 1);
    let twice = "(select id from simple_queue.all_jobs group by id having count(*) > 1) twice";
    assert_eq!(away.database.value::<i64>(&format!("select count(*) from {twice}")).await, 0);
}

#[tokio::test]
async fn a_call_of_several_jobs_is_spooled_together() {
    let away = Away::new().await;
    away.break_network();
    let spooled = CountUp::enqueue_all((1..=2500).map(CountUp::new), &away.queue).await.unwrap();
    assert!(spooled.iter().all(simple_queue::Enqueued::is_spooled));
    away.mend_network();
    away.is_empty().await;
    assert_eq!(away.database.count("jobs").await, 2501);
}

#[tokio::test]
async fn what_must_not_be_spooled_fails_with_the_error_of_the_database() {
    let away = Away::new().await;
    let mut connection = away.queue.pool().acquire().await.unwrap();
    away.break_network();
    let refused = async |what: &str, answer: Result<bool, Error>| {
        let error = answer.expect_err(what);
        assert!(error.is_transient(), "{what}: {error}");
        assert_eq!(away.spool().status().jobs, 0, "{what}");
    };
    let spooled = |job: simple_queue::Enqueued<_>| job.is_spooled();
    refused("a connection", CountUp::new(1).enqueue(&mut *connection).await.map(spooled)).await;
    refused(
        "a connection of the queue's schema",
        CountUp::new(1).enqueue(away.queue.on(&mut connection)).await.map(spooled),
    )
    .await;
    refused("a pool", CountUp::new(1).enqueue(away.queue.pool()).await.map(spooled)).await;
    refused(
        "a job that must be stored",
        MustBeStored::new(1).enqueue(&away.queue).await.map(|job| job.is_spooled()),
    )
    .await;
    refused(
        "a job with a key",
        Keyed::new(1).enqueue(&away.queue).await.map(|job| job.is_spooled()),
    )
    .await;
    let plain = away.queue.insert_job(Job::new("spooled", 1)).await.unwrap_err();
    assert!(plain.downcast_ref::<Error>().is_some_and(Error::is_transient), "{plain}");
    assert_eq!(away.spool().status().jobs, 0);
    assert_eq!(away.place.files("spool").len(), 0);
    drop(away.queue);
}

#[tokio::test]
async fn a_transaction_is_never_spooled() {
    let away = Away::new().await;
    let mut tx = away.queue.pool().begin().await.unwrap();
    CountUp::new(1).enqueue(&mut tx).await.unwrap();
    away.break_network();
    let error = CountUp::new(2).enqueue(&mut tx).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    drop(tx);
    away.mend_network();
    assert_eq!(away.spool().status().jobs, 0);
    assert_eq!(away.database.count("jobs").await, 1);
}

#[tokio::test]
async fn jobs_with_keys_are_spooled_if_that_is_said_and_their_conflicts_are_settled_later() {
    let away = Away::with(|spool| spool.keyed(true)).await;
    let first = Keyed::new(7).enqueue(&away.queue).await.unwrap();
    let taken = KeyedAndSpooled::new(7).enqueue(&away.queue).await.unwrap();
    away.break_network();
    let same = Keyed::new(7).enqueue(&away.queue).await.unwrap();
    let other = Keyed::new(8).enqueue(&away.queue).await.unwrap();
    let refused = KeyedAndSpooled::new(7).enqueue(&away.queue).await.unwrap();
    for job in [same.is_spooled(), other.is_spooled(), refused.is_spooled()] {
        assert!(job);
    }
    away.mend_network();
    away.is_empty().await;
    let ids = [first.id(), taken.id(), same.id(), other.id(), refused.id()];
    assert_eq!(away.found(&ids).await, [1, 1, 0, 1, 0]);
    assert_eq!(away.spool().status().refused, 1, "a duplicate that is ignored is not refused");
    let rejected = fs::read_to_string(&away.place.files("rejected")[0]).unwrap();
    assert!(
        rejected.contains(&refused.id().to_string()) && rejected.contains("keyed_and_spooled:7")
    );
    assert_eq!(rejected.lines().count(), 1);
}

#[tokio::test]
async fn a_job_says_for_itself_that_it_is_spooled_with_its_key() {
    let away = Away::new().await;
    away.break_network();
    assert!(KeyedAndSpooled::new(1).enqueue(&away.queue).await.unwrap().is_spooled());
    away.mend_network();
    away.is_empty().await;
    assert_eq!(away.database.count("jobs where unique_key = 'keyed_and_spooled:1'").await, 1);
}

#[tokio::test]
async fn a_full_spool_gives_the_callers_the_error_of_the_database() {
    let away = Away::with(|spool| spool.max_jobs(2)).await;
    away.break_network();
    for number in 0..2 {
        assert!(CountUp::new(number).enqueue(&away.queue).await.unwrap().is_spooled());
    }
    let error = CountUp::new(3).enqueue(&away.queue).await.unwrap_err();
    assert!(matches!(error, Error::Database { .. }) && error.is_transient(), "{error}");
    let reason = away.spool().status().last_error.unwrap();
    assert!(reason.contains("`max_jobs`, which is 2"), "{reason}");
    away.mend_network();
    away.is_empty().await;
    assert_eq!(away.database.count("jobs").await, 3);
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_is_refused_with_the_other_settings() {
    let database = TestDatabase::empty().await;
    let builder = SimpleQueue::builder(&database.pool).permits(0);
    let error = builder.spool(Spool::at("/proc/nowhere")).build().unwrap_err();
    let Error::InvalidSettings { problems, .. } = error else { panic!("{error}") };
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[1].contains("`/proc/nowhere` of the spool cannot be created"), "{problems:?}");
}

#[tokio::test]
async fn a_directory_in_memory_is_warned_of() {
    if !std::path::Path::new("/dev/shm").is_dir() {
        return;
    }
    let database = TestDatabase::empty().await;
    let (log, _guard) = Log::of_this_thread();
    let directory = format!("/dev/shm/sq-test-{}", Uuid::now_v7().simple());
    let queue = SimpleQueue::builder(&database.pool).spool(Spool::at(&directory)).build().unwrap();
    drop(queue);
    fs::remove_dir(&directory).unwrap();
    assert_eq!(log.count("the spool is in memory"), 1, "{log:?}");
    assert_eq!(log.count("file_system=\"tmpfs\""), 1, "{log:?}");
}

#[tokio::test]
async fn a_queue_without_a_spool_has_an_empty_one() {
    let queue = TestDatabase::migrated().await.queue().await;
    assert_eq!(queue.spool().status(), simple_queue::SpoolStatus::default());
    assert_eq!(queue.spool().flush().await.unwrap(), 0);
}
