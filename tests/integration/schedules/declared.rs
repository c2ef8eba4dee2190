//! Schedules that the code declares, across deploys.

use simple_queue::{Error, Misfire, Overlap, ScheduleError, WorkerHandle, prelude::*};
use tokio::sync::mpsc;

use super::{Do, cron, every};
use crate::support::{Log, STOP, Say, TestDatabase, eventually};

/// A build with a daily report.
mod first {
    use simple_queue::prelude::*;

    #[job(queue = "reports", cron = "0 9 * * mon-fri", tz = "Europe/Berlin", args(region = "eu"))]
    pub(super) async fn report(region: String, #[job(default = 3)] copies: u8) {
        let _ = (region, copies);
    }
}

/// The next build, which has it an hour later, in another region and with policies.
mod second {
    use simple_queue::prelude::*;

    #[job(
        queue = "reports",
        cron = "0 10 * * mon-fri",
        tz = "Europe/Berlin",
        args(region = "us", copies = 1),
        misfire = "skip",
        overlap = "queue"
    )]
    pub(super) async fn report(region: String, copies: u8) {
        let _ = (region, copies);
    }
}

/// A build in which the job has another name.
mod renamed {
    use simple_queue::prelude::*;

    #[job(
        queue = "reports",
        name = "daily_report",
        aliases("report"),
        cron = "0 9 * * mon-fri",
        tz = "Europe/Berlin",
        args(region = "eu")
    )]
    pub(super) async fn report(region: String, #[job(default = 3)] copies: u8) {
        let _ = (region, copies);
    }
}

/// Starts a worker of a build, until it has declared its schedule.
async fn deploy(
    database: &TestDatabase,
    register: impl FnOnce(&SimpleQueue),
) -> (SimpleQueue, WorkerHandle) {
    let queue = database.queue().await;
    register(&queue);
    let before: String = database.value("select clock_timestamp()::text").await;
    let worker = queue.start().await;
    eventually("it declares its schedule", async || {
        database.count(&format!("schedules where declared_at >= '{before}'")).await == 1
    })
    .await;
    (queue, worker)
}

fn first(queue: &SimpleQueue) {
    queue.register(jobs![first::Report], ()).unwrap();
}

fn second(queue: &SimpleQueue) {
    queue.register(jobs![second::Report], ()).unwrap();
}

#[tokio::test]
async fn a_worker_declares_what_its_jobs_say() {
    let database = TestDatabase::migrated().await;
    let (queue, worker) = deploy(&database, first).await;
    let state = queue.schedules().find("report").await.unwrap().unwrap();
    assert_eq!(state.schedule, Some(cron("0 9 * * mon-fri").tz("Europe/Berlin").unwrap()));
    assert_eq!((state.queue.as_str(), state.kind.as_str()), ("reports", "report"));
    assert!(state.declared_at.is_some() && !state.is_undeclared);
    let payload = database.of_schedule("report", "job_data").await;
    assert_eq!(payload.as_deref(), Some(r#"{"copies": 3, "region": "eu"}"#));
    queue.schedules().run_now("report").await.unwrap();
    eventually("its handler runs it", async || database.count("archive").await == 1).await;
    let error = queue.schedules().put("report", Do(Say::Success), every(60)).await.unwrap_err();
    assert!(matches!(error, Error::Schedule(ScheduleError::Declared { .. })), "{error}");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_deploy_changes_the_schedule_and_keeps_the_pause() {
    let database = TestDatabase::migrated().await;
    let (queue, worker) = deploy(&database, first).await;
    queue.schedules().pause("report").await.unwrap();
    worker.shutdown(STOP).await;
    let (queue, worker) = deploy(&database, second).await;
    let state = queue.schedules().find("report").await.unwrap().unwrap();
    let expected = cron("0 10 * * mon-fri").tz("Europe/Berlin").unwrap();
    let expected = expected.misfire(Misfire::Skip).overlap(Overlap::Queue);
    assert_eq!(state.schedule, Some(expected.clone()));
    assert!(state.paused_at.is_some());
    let payload = database.of_schedule("report", "job_data").await;
    assert_eq!(payload.as_deref(), Some(r#"{"copies": 1, "region": "us"}"#));
    queue.schedules().resume("report").await.unwrap();
    let state = queue.schedules().find("report").await.unwrap().unwrap();
    assert_eq!(state.next[0].at, expected.next_after(database.now().await).unwrap());
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_deploy_keeps_the_rule_that_an_operator_has_set() {
    let database = TestDatabase::migrated().await;
    let (queue, worker) = deploy(&database, first).await;
    let noon = cron("0 12 * * *").tz("Asia/Tokyo").unwrap();
    queue.schedules().set("report", &noon).await.unwrap();
    worker.shutdown(STOP).await;
    let next = database.of_schedule("report", "next_at").await;
    let (queue, worker) = deploy(&database, second).await;
    let state = queue.schedules().find("report").await.unwrap().unwrap();
    assert_eq!(state.schedule.unwrap().to_string(), noon.to_string());
    assert_eq!(database.of_schedule("report", "next_at").await, next);
    queue.schedules().reset("report").await.unwrap();
    let state = queue.schedules().find("report").await.unwrap().unwrap();
    assert_eq!(state.schedule.unwrap().to_string(), "0 10 * * mon-fri Europe/Berlin");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_deploy_without_a_change_runs_what_was_due_meanwhile() {
    let database = TestDatabase::migrated().await;
    let (_, worker) = deploy(&database, first).await;
    worker.shutdown(STOP).await;
    // Until the Friday or the Monday of a week ago.
    database.away("report", 7 * 24 * 60).await;
    let (_, worker) = deploy(&database, first).await;
    eventually("it is enqueued", async || database.jobs_of("report").await == 1).await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_with_a_new_name_takes_its_schedule_along() {
    let database = TestDatabase::migrated().await;
    let (queue, worker) = deploy(&database, first).await;
    queue.schedules().pause("report").await.unwrap();
    worker.shutdown(STOP).await;
    let (queue, worker) = deploy(&database, |queue| {
        queue.register(jobs![renamed::Report], ()).unwrap();
    })
    .await;
    let list = queue.schedules().list().await.unwrap();
    assert_eq!(list.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["daily_report"]);
    assert!(list[0].paused_at.is_some());
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn what_no_worker_has_declared_for_a_day_is_reported_and_still_fires() {
    let (log, _guard) = Log::of_this_thread();
    let database = TestDatabase::migrated().await;
    let (queue, worker) = deploy(&database, first).await;
    worker.shutdown(STOP).await;
    for (name, hours) in [("gone", 25), ("new", 23)] {
        database
            .execute(&format!(
                "insert into simple_queue.schedules (name, next_at, declared_at, cron, queue, kind, job_data)
                values ('{name}', now() - interval '1 h', now() - {hours} * interval '1 h', '0 * * * *', 'reports', '', '1')"
            ))
            .await;
    }
    let is_undeclared =
        async |name| queue.schedules().find(name).await.unwrap().unwrap().is_undeclared;
    assert!(
        is_undeclared("gone").await
            && !is_undeclared("new").await
            && !is_undeclared("report").await
    );
    let said = queue.schedules().find("gone").await.unwrap().unwrap().to_string();
    assert!(said.contains(", no longer declared"), "{said}");
    let elder = database.queue().await.start().await;
    database
        .execute("update simple_queue.workers set started_at = now() - interval '11 min'")
        .await;
    let worker = queue.start().await;
    eventually("it is reported", async || {
        log.count("no worker has declared the schedule for a day") > 0
    })
    .await;
    assert_eq!(log.count("schedule=\"gone\""), 1, "{log:?}");
    assert_eq!(log.count("schedule=\"new\""), 0);
    eventually("both fire", async || {
        database.jobs_of("gone").await == 1 && database.jobs_of("new").await == 1
    })
    .await;
    elder.shutdown(STOP).await;
    worker.shutdown(STOP).await;
}

/// Reports the arguments of its run.
struct Tell(mpsc::UnboundedSender<(String, Option<i64>)>);

#[job(payload = Telling, every = "1s", args(name = "eve", id = Some(7)), overlap = "skip")]
async fn tell(tell: &Tell, name: String, id: Option<i64>) -> Result<(), BoxDynError> {
    tell.0.send((name, id))?;
    Ok(())
}

#[tokio::test]
async fn a_job_runs_again_and_again_with_the_arguments_of_its_declaration() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    let (sender, mut told) = mpsc::unbounded_channel();
    queue.register(jobs![Telling], std::sync::Arc::new(Tell(sender))).unwrap();
    let worker = queue.start().await;
    for _ in 0..2 {
        assert_eq!(
            tokio::time::timeout(test_support::DEADLINE, told.recv()).await.unwrap().unwrap(),
            ("eve".to_owned(), Some(7))
        );
    }
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_declaration_that_the_macro_could_not_check_is_refused_when_it_is_registered() {
    use simple_queue::{JobOptions, JobTemplate};

    const LATER: JobTemplate =
        JobTemplate::new(JobOptions::new().delay(std::time::Duration::from_mins(5)));

    #[job(template = LATER, every = "1h")]
    async fn tidy() {}

    let database = TestDatabase::empty().await;
    let queue = database.queue().await;
    let error = queue.register(jobs![Tidy], ()).unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, Error::Schedule(ScheduleError::Invalid { .. })), "{said}");
    assert!(said.contains("the schedule `tidy`") && said.contains("leave `delay`"), "{said}");
    assert!(said.contains("declared.rs:"), "{said}");
}
