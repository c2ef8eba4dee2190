//! What operators and programs do to schedules.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use simple_queue::{Error, Overlap, ScheduleError, prelude::*};
use tokio::sync::mpsc;

use super::{Do, cron, every};
use crate::support::{Probe, STOP, Say, TestDatabase, eventually};

#[tokio::test]
async fn a_schedule_is_listed_with_its_next_five_ticks_in_words() {
    let database = TestDatabase::migrated().await;
    let mondays = cron("0 9 * * mon").tz("Europe/Berlin").unwrap();
    let queue = database.put("mondays", Say::Success, mondays.clone()).await;
    queue.schedules().put("often", Do(Say::Success), every(90)).await.unwrap();
    let list = queue.schedules().list().await.unwrap();
    let names: Vec<&str> = list.iter().map(|schedule| schedule.name.as_str()).collect();
    assert_eq!(names, ["mondays", "often"]);
    let state = &list[0];
    assert_eq!((state.queue.as_str(), state.kind.as_str()), ("probe", "do"));
    assert_eq!(state.schedule.as_ref(), Some(&mondays));
    assert_eq!((state.last_at, state.last_job, state.waiting), (None, None, 0));
    assert!(state.declared_at.is_none() && !state.is_undeclared && !state.is_set);
    assert_eq!(state.next.len(), 5);
    let weeks = state.next.windows(2).map(|two| (two[1].at - two[0].at).num_hours());
    assert!(weeks.into_iter().all(|hours| (167..=169).contains(&hours)), "{state}");
    let said = state.to_string();
    let mut lines = said.lines();
    assert_eq!(lines.next(), Some("mondays: At 09:00, on Monday (Europe/Berlin)"));
    let (first, rest) = (lines.next().unwrap(), lines.next().unwrap());
    assert!(first.starts_with("  Monday, ") && first.contains(", 09:00 CE"), "{first}");
    assert!(rest.contains(" days"), "{rest}");
    queue.schedules().pause("mondays").await.unwrap();
    let paused = queue.schedules().find("mondays").await.unwrap().unwrap();
    assert!(paused.paused_at.is_some() && paused.next.is_empty(), "{paused}");
    assert!(queue.schedules().find("none").await.unwrap().is_none());
}

#[tokio::test]
async fn a_schedule_is_put_if_the_transaction_commits() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    for (name, commits) in [("rolled back", false), ("committed", true)] {
        let mut tx = queue.pool().begin().await.unwrap();
        queue.schedules().put_in(&mut tx, name, Do(Say::Success), every(60)).await.unwrap();
        assert!(queue.schedules().find(name).await.unwrap().is_none());
        if commits {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        assert_eq!(queue.schedules().find(name).await.unwrap().is_some(), commits);
    }
}

#[tokio::test]
async fn a_schedule_that_is_put_again_keeps_its_pause_and_a_tick_that_is_due() {
    let database = TestDatabase::migrated().await;
    let queue = database.put("daily", Say::Success, cron("0 9 * * *")).await;
    database.away("daily", 24 * 60).await;
    queue.schedules().pause("daily").await.unwrap();
    let due = database.of_schedule("daily", "next_at").await;
    queue.schedules().put("daily", Do(Say::Failed), cron("0 9 * * *")).await.unwrap();
    assert_eq!(database.of_schedule("daily", "next_at").await, due);
    assert_eq!(database.of_schedule("daily", "job_data").await.as_deref(), Some("\"Failed\""));
    queue.schedules().put("daily", Do(Say::Failed), cron("0 10 * * *")).await.unwrap();
    let is_new = "next_at > now() and paused_at is not null";
    assert_eq!(database.of_schedule("daily", is_new).await.as_deref(), Some("true"));
}

#[tokio::test]
async fn a_rule_that_is_set_counts_until_it_is_reset() {
    let database = TestDatabase::migrated().await;
    let queue = database.put("daily", Say::Success, cron("0 9 * * *")).await;
    let tokyo = cron("30 8 * * *").tz("Asia/Tokyo").unwrap();
    queue.schedules().set("daily", &tokyo).await.unwrap();
    let state = queue.schedules().find("daily").await.unwrap().unwrap();
    assert!(state.is_set);
    assert_eq!(state.schedule, Some(tokyo.clone()));
    assert_eq!(state.next[0].at, tokyo.next_after(database.now().await).unwrap());
    queue.schedules().set("daily", &every(3600)).await.unwrap();
    let state = queue.schedules().find("daily").await.unwrap().unwrap();
    assert_eq!(state.schedule, Some(every(3600)));
    queue.schedules().reset("daily").await.unwrap();
    let state = queue.schedules().find("daily").await.unwrap().unwrap();
    assert_eq!((state.is_set, state.schedule), (false, Some(cron("0 9 * * *"))));
    assert_eq!(state.next[0].at, cron("0 9 * * *").next_after(database.now().await).unwrap());
}

#[tokio::test]
async fn a_schedule_that_does_not_exist_is_named() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let schedules = queue.schedules();
    let now = database.now().await;
    let errors = [
        schedules.pause("none").await.unwrap_err(),
        schedules.resume("none").await.unwrap_err(),
        schedules.set("none", &every(60)).await.unwrap_err(),
        schedules.reset("none").await.unwrap_err(),
        schedules.run_now("none").await.unwrap_err(),
        schedules.backfill("none", now..now).await.unwrap_err(),
    ];
    for error in errors {
        let is_unknown = matches!(&error, Error::Schedule(ScheduleError::Unknown { name, .. }) if name == "none");
        assert!(is_unknown && error.kind() == simple_queue::ErrorKind::NotFound, "{error}");
    }
    assert!(!schedules.remove("none").await.unwrap());
}

#[tokio::test]
async fn a_schedule_runs_now_though_it_is_paused_and_no_more_when_it_is_removed() {
    let database = TestDatabase::migrated().await;
    let (queue, probe) =
        (database.put("daily", Say::Success, cron("0 9 * * *")).await, Probe::new());
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    queue.schedules().pause("daily").await.unwrap();
    let id = queue.schedules().run_now("daily").await.unwrap();
    assert_eq!(probe.next_run().await.job_id, id);
    assert_eq!(database.of_schedule("daily", "last_at").await, None, "it is no tick");
    assert!(queue.schedules().remove("daily").await.unwrap());
    assert_eq!(database.count("schedules").await, 0);
    worker.shutdown(STOP).await;
}

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

#[tokio::test]
async fn past_ticks_are_backfilled_once_and_none_that_is_to_come() {
    let database = TestDatabase::migrated().await;
    let queue = database.put("hourly", Say::Success, cron("0 * * * *")).await;
    let schedules = queue.schedules();
    let backfill = async |range| {
        let done = schedules.backfill("hourly", range).await.unwrap();
        (done.enqueued, done.known)
    };
    assert_eq!(backfill(at("2026-01-01T00:00:00Z")..at("2026-01-02T00:00:00Z")).await, (24, 0));
    assert_eq!(backfill(at("2026-01-01T12:00:00Z")..at("2026-01-03T00:00:00Z")).await, (24, 12));
    assert_eq!(database.ticks_of("hourly").await, (0..48).map(|n| n * 3600).collect::<Vec<_>>());
    // What has ended is known too.
    database
        .execute(
            "with gone as (delete from simple_queue.jobs returning id, queue, kind, job_data)
            insert into simple_queue.dead_letters (
                id, queue, kind, job_data, lease, created_at, finished_at, attempt, reprocess_count, crash_count,
                version, priority, status, reason
            )
            select id, queue, kind, job_data, 0, now(), now(), 1, 0, 0, 1, 0, 'failed', 'of the test' from gone",
        )
        .await;
    assert_eq!(backfill(at("2026-01-01T00:00:00Z")..at("2026-01-03T00:00:00Z")).await, (0, 48));
    // More than one statement's, and up to the next tick.
    let now = database.now().await;
    let (enqueued, _) =
        backfill(now - chrono::TimeDelta::hours(2500)..now + chrono::TimeDelta::days(7)).await;
    assert!((2499..=2500).contains(&enqueued), "{enqueued}");
    let to_come = "jobs where scheduled_at >= (select next_at from simple_queue.schedules)";
    assert_eq!(database.count(to_come).await, 0);
    let none = "jobs where scheduled_at > now()";
    assert_eq!(database.count(none).await, 0);
}

#[tokio::test]
async fn ticks_of_a_pause_are_backfilled_and_a_due_tick_is_left_to_the_workers() {
    let database = TestDatabase::migrated().await;
    let queue = database.put("hourly", Say::Success, cron("0 * * * *")).await;
    database.away("hourly", 180).await;
    let now = database.now().await;
    let range = || now - chrono::TimeDelta::hours(5)..now;
    let before = queue.schedules().backfill("hourly", range()).await.unwrap().enqueued;
    assert!((2..=4).contains(&before), "{before}: those before the due ones");
    queue.schedules().pause("hourly").await.unwrap();
    let during = queue.schedules().backfill("hourly", range()).await.unwrap();
    assert_eq!((during.known, during.enqueued + before), (before, 5));
}

#[tokio::test]
async fn a_backfill_that_cannot_be_is_refused() {
    let database = TestDatabase::migrated().await;
    let queue = database.put("skip", Say::Success, every(60).overlap(Overlap::Skip)).await;
    queue
        .schedules()
        .put("queue", Do(Say::Success), every(60).overlap(Overlap::Queue))
        .await
        .unwrap();
    let now = database.now().await;
    for (name, problem) in
        [("skip", "only one of the jobs could be live"), ("queue", "at most 1,000")]
    {
        let range = now - chrono::TimeDelta::days(1)..now;
        let error = queue.schedules().backfill(name, range).await.unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
    let range = now - chrono::TimeDelta::minutes(10)..now;
    let done = queue.schedules().backfill("queue", range).await.unwrap();
    assert_eq!((done.enqueued, database.count("jobs").await), (10, 0));
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let worker = queue.start().await;
    eventually("they run in turn", async || database.jobs_of("queue").await >= 10).await;
    assert_eq!(probe.most_at_once(), 1);
    worker.shutdown(STOP).await;
}

type Told = (Option<DateTime<Utc>>, Option<(DateTime<Utc>, DateTime<Utc>)>, Option<Value>);

struct Tell(mpsc::UnboundedSender<Told>);

/// What the next job tells; fails when none does.
async fn next(told: &mut mpsc::UnboundedReceiver<Told>) -> Told {
    let told = tokio::time::timeout(test_support::DEADLINE, told.recv()).await;
    told.expect("a job runs").expect("the worker has the other end")
}

#[job(queue = "probe")]
async fn tell_tick(tell: &Tell, context: &JobContext) -> Result<(), BoxDynError> {
    let told = (context.tick().await?, context.tick_interval().await?, context.metadata().await?);
    tell.0.send(told)?;
    Ok(())
}

#[tokio::test]
async fn a_job_knows_its_tick_and_the_time_since_the_job_before() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let (tell, mut told) = mpsc::unbounded_channel();
    queue.register(jobs![TellTick], std::sync::Arc::new(Tell(tell))).unwrap();
    let with_metadata = TellTick::new().metadata(json!({"tenant": 7}));
    queue.schedules().put("often", with_metadata, every(1)).await.unwrap();
    let worker = queue.start().await;
    let mut jobs = Vec::new();
    for _ in 0..3 {
        let (tick, interval, metadata) = next(&mut told).await;
        assert_eq!(
            metadata,
            Some(json!({"tenant": 7})),
            "what the schedule added is not the user's"
        );
        jobs.push((tick.unwrap(), interval.unwrap()));
    }
    jobs.sort();
    for (number, (tick, (from, to))) in jobs.iter().enumerate() {
        assert_eq!((tick, *to - *from), (to, chrono::TimeDelta::seconds(1)), "{number}");
    }
    queue.schedules().remove("often").await.unwrap();
    queue.schedules().put("without", TellTick::new(), every(1)).await.unwrap();
    loop {
        let (tick, _, metadata) = next(&mut told).await;
        assert!(tick.is_some());
        if metadata.is_none() {
            break;
        }
    }
    queue.schedules().remove("without").await.unwrap();
    eventually("no job is left", async || database.count("jobs").await == 0).await;
    TellTick::new().enqueue(&queue).await.unwrap();
    loop {
        let (tick, interval, metadata) = next(&mut told).await;
        if tick.is_none() {
            assert_eq!((interval, metadata), (None, None));
            break;
        }
    }
    worker.shutdown(STOP).await;
}
