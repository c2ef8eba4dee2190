//! Pauses of kinds, with an end, a reason and an author; and what operators change beside jobs.

use std::{sync::Mutex, time::Duration};

use simple_queue::{Admin, Error, ErrorKind, LimitError, Right, Rights, Schedule, prelude::*};

use crate::support::{STOP, TestDatabase, eventually};

/// The numbers of the jobs that have run.
#[derive(Default, JobState)]
struct Ran {
    numbers: Mutex<Vec<u32>>,
}

impl Ran {
    fn has(&self, number: u32) -> bool {
        self.numbers.lock().unwrap().contains(&number)
    }
}

#[job(queue = "post")]
async fn letter(number: u32, ran: &Ran) {
    ran.numbers.lock().unwrap().push(number);
}

#[job(queue = "post")]
async fn parcel(number: u32, ran: &Ran) {
    ran.numbers.lock().unwrap().push(number);
}

#[job(queue = "post", concurrency(limit = 1, key = "{street}"))]
async fn visit(street: u32, number: u32, ran: &Ran) {
    let _ = street;
    ran.numbers.lock().unwrap().push(number);
}

#[job(queue = "post", concurrency(limit = 3))]
async fn counter(number: u32, ran: &Ran) {
    ran.numbers.lock().unwrap().push(number);
}

struct Post {
    database: TestDatabase,
    queue: SimpleQueue,
    ran: std::sync::Arc<Ran>,
}

impl Post {
    async fn new() -> Self {
        let database = TestDatabase::migrated().await;
        let (queue, ran) = (database.queue().await, std::sync::Arc::new(Ran::default()));
        queue.register(jobs![Letter, Parcel, Visit, Counter], std::sync::Arc::clone(&ran)).unwrap();
        Self { database, queue, ran }
    }

    async fn has_run(&self, number: u32) {
        eventually(&format!("{number} runs"), async || self.ran.has(number)).await;
    }
}

#[tokio::test]
async fn a_paused_kind_starts_nothing_while_others_of_its_queue_do_and_goes_on_when_it_is_resumed()
{
    let post = Post::new().await;
    let worker = post.queue.start().await;
    let elsewhere = post.database.queue().await;
    Letter::new(1).enqueue(&elsewhere).await.unwrap();
    post.has_run(1).await;
    elsewhere.pause("post").kind("visit").because("a street is closed").await.unwrap();
    // The worker reads all pauses at once, so with this one it knows the other.
    let paused = elsewhere.pause("post").kind("letter").await.unwrap();
    assert!(paused.is_served && !paused.was_paused, "{paused:?}");
    // Each job of another kind that runs shows that the worker has looked.
    let heard = async || {
        post.ran.numbers.lock().unwrap().clear();
        Letter::new(2).enqueue(&elsewhere).await.unwrap();
        Parcel::new(3).enqueue(&elsewhere).await.unwrap();
        post.has_run(3).await;
        !post.ran.has(2)
    };
    eventually("the worker leaves it out", heard).await;
    Letter::new(4).enqueue(&elsewhere).await.unwrap();
    Visit::new(1, 5).enqueue(&elsewhere).await.unwrap();
    for number in 10..30 {
        Parcel::new(number).enqueue(&elsewhere).await.unwrap();
        post.has_run(number).await;
    }
    assert!(!post.ran.has(4) && !post.ran.has(5));

    assert!(elsewhere.resume("post").kind("letter").await.unwrap());
    post.has_run(4).await;
    assert!(!post.ran.has(5));
    assert!(elsewhere.resume("post").kind("visit").await.unwrap());
    post.has_run(5).await;
    assert!(!elsewhere.resume("post").kind("visit").await.unwrap(), "it is not paused any more");
    eventually("all have ended", async || post.database.count("jobs").await == 0).await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_worker_that_starts_knows_the_paused_kinds_before_its_first_fetch() {
    let post = Post::new().await;
    post.queue.pause("post").kind("letter").await.unwrap();
    post.queue.pause("post").kind("visit").await.unwrap();
    Letter::new(1).enqueue(&post.queue).await.unwrap();
    Visit::new(1, 2).enqueue(&post.queue).await.unwrap();
    Parcel::new(3).enqueue(&post.queue).await.unwrap();
    let worker = post.queue.start().await;
    post.has_run(3).await;
    let idle = async || post.database.count("idle_workers").await == 1;
    eventually("the worker sleeps though due jobs wait", idle).await;
    assert_eq!(post.database.count("jobs where lease = 0").await, 2);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_whose_claim_was_under_way_when_its_kind_was_paused_is_given_back() {
    let post = Post::new().await;
    let database = &post.database;
    // The claim of a letter waits for a row of this table.
    for sql in [
        "create table public.go ()",
        "grant select on public.go to public",
        "create function public.wait_for_go() returns trigger language plpgsql as
         'begin
             while not exists (select from public.go) loop perform pg_sleep(0.01); end loop;
             return new;
         end'",
        "create trigger claimed before update on simple_queue.jobs for each row
         when (old.worker_id is null and new.worker_id is not null and new.kind = 'letter')
         execute function public.wait_for_go()",
    ] {
        database.execute(sql).await;
    }
    let worker = post.queue.start().await;
    Letter::new(1).enqueue(&post.queue).await.unwrap();
    let claims = "pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()";
    let is_claiming =
        async || database.value::<bool>(&format!("select exists (select from {claims})")).await;
    eventually("the claim waits", is_claiming).await;
    database.queue().await.pause("post").kind("letter").await.unwrap();
    let paused_at = "(select max(paused_at) from simple_queue.paused_kinds)";
    for beat in ["first", "second"] {
        let beats: String = database.value(&format!("select {paused_at}::text")).await;
        let since: String = database
            .value(&format!(
                "select greatest('{beats}', max(heartbeat_at))::text from simple_queue.workers"
            ))
            .await;
        let after = format!("workers where heartbeat_at > '{since}'");
        eventually(&format!("the {beat} beat has read it"), async || {
            database.count(&after).await == 1
        })
        .await;
    }
    database.execute("insert into public.go default values").await;
    eventually("the job is given back", async || {
        database.count("jobs where lease > 0 and worker_id is null and attempt = 0").await == 1
    })
    .await;
    assert!(!post.ran.has(1));
    assert!(post.queue.resume("post").kind("letter").await.unwrap());
    post.has_run(1).await;
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_pause_ends_by_itself_and_a_new_one_takes_its_place() {
    let post = Post::new().await;
    let lasting = |time| post.queue.pause("post").kind("letter").lasting(time);
    lasting(Duration::from_hours(1)).because("first").await.unwrap();
    let again = lasting(Duration::from_millis(1)).await.unwrap();
    assert!(again.was_paused);
    let ended = "2026-01-01T00:00:00Z".parse().unwrap();
    post.queue.pause("post").until(ended).await.unwrap();
    let pauses = post.queue.pauses().await.unwrap();
    assert_eq!(pauses.len(), 2);
    assert_eq!((&pauses[0].kind, &pauses[1].reason), (&None, &None), "the last call counts");
    Letter::new(1).enqueue(&post.queue).await.unwrap();
    let worker = post.queue.start().await;
    post.has_run(1).await;
    assert_eq!(post.queue.pauses().await.unwrap(), []);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_pause_is_shown_with_its_author_its_end_and_its_reason() {
    let post = Post::new().await;
    let admin = post.queue.admin().as_actor("ann");
    let until = "2030-01-01T12:00:00Z".parse().unwrap();
    admin.pause("post").kind("letter").until(until).because("strike\0").await.unwrap();
    let states = post.queue.queues().await.unwrap_or_default();
    assert!(states.is_empty(), "no job waits, and no worker serves it: {states:?}");
    Letter::new(1).enqueue(&post.queue).await.unwrap();
    let states = post.queue.queues().await.unwrap();
    let line = states[0].to_string();
    let expected = " by ann until 2030-01-01 12:00: strike\u{fffd}";
    assert!(line.contains(", letter paused since ") && line.contains(expected), "{line}");
    let id = post.database.value("select id from simple_queue.jobs").await;
    let job = admin.job(id).await.unwrap().unwrap().live.unwrap();
    assert!(job.kind_paused_at.is_some() && job.queue_paused_at.is_none());
}

/// What the audit has: `action by actor: target arguments`, the first act first.
async fn acts(admin: &Admin) -> Vec<String> {
    let acts = admin.acts(None, 100).await.unwrap();
    let line = |act: &simple_queue::ActRecord| {
        let arguments = act.arguments.as_deref().unwrap_or("-");
        format!("{} by {}: {} {arguments}", act.action, act.actor, act.target)
    };
    acts.iter().rev().map(line).collect()
}

#[tokio::test]
async fn what_an_operator_changes_beside_jobs_is_written_down() {
    let post = Post::new().await;
    let worker = post.queue.start().await;
    let (limits, keys) = ("kind:counter", "key:post/visit");
    Visit::new(7, 1).enqueue(&post.queue).await.unwrap();
    Counter::new(2).enqueue(&post.queue).await.unwrap();
    let declared = async || {
        let names = post.queue.limits().list().await.unwrap();
        [limits, keys].iter().all(|name| names.iter().any(|limit| limit.name == *name))
    };
    eventually("the limits are declared", declared).await;
    let admin = post.queue.admin().as_actor("ann");
    admin.pause("other").lasting(Duration::from_mins(5)).because("test").await.unwrap();
    admin.resume("other").await.unwrap();
    admin.resume("other").await.unwrap();
    admin.limits().set(limits, 2).await.unwrap();
    admin.limits().pause(limits).await.unwrap();
    admin.limits().resume(limits).await.unwrap();
    admin.limits().reset(limits).await.unwrap();
    admin.limits().set_key(keys, "7", 3).await.unwrap();
    admin.limits().reset_key(keys, "7").await.unwrap();
    let unknown = admin.limits().pause("none").await.unwrap_err();
    assert!(matches!(unknown, Error::Limit(LimitError::Unknown { .. })), "{unknown}");
    let schedules = admin.schedules();
    let hourly = Schedule::every(Duration::from_hours(1)).unwrap();
    schedules.put("hourly", Letter::new(1), hourly.clone()).await.unwrap();
    let mut tx = post.queue.pool().begin().await.unwrap();
    schedules.put_in(&mut tx, "undone", Letter::new(1), hourly).await.unwrap();
    tx.rollback().await.unwrap();
    schedules.pause("hourly").await.unwrap();
    schedules.resume("hourly").await.unwrap();
    schedules.remove("hourly").await.unwrap();
    // The program's own calls leave no trace.
    post.queue.pause("other").await.unwrap();
    post.queue.limits().set(limits, 1).await.unwrap();
    assert_eq!(
        acts(&admin).await,
        [
            r#"pause by ann: queue:other {"reason": "test", "seconds": 300}"#,
            "resume by ann: queue:other -",
            r#"set by ann: limit:kind:counter {"concurrency": 2}"#,
            "pause by ann: limit:kind:counter -",
            "resume by ann: limit:kind:counter -",
            "reset by ann: limit:kind:counter -",
            r#"set by ann: limit:key:post/visit#7 {"concurrency": 3}"#,
            "reset by ann: limit:key:post/visit#7 -",
            "put by ann: schedule:hourly -",
            "pause by ann: schedule:hourly -",
            "resume by ann: schedule:hourly -",
            "remove by ann: schedule:hourly -",
        ]
    );
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn who_may_only_look_changes_nothing_and_who_may_not_look_sees_no_list() {
    let post = Post::new().await;
    let looks = post.queue.admin();
    let refused = [
        looks.pause("post").await.map(drop).unwrap_err(),
        looks.resume("post").await.map(drop).unwrap_err(),
        looks.limits().pause("kind:counter").await.unwrap_err(),
        looks.schedules().pause("none").await.unwrap_err(),
        // Without an actor nothing is written down, so nothing is changed.
        looks.clone().with_rights(Rights::ALL).pause("post").await.map(drop).unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    }
    assert_eq!(post.queue.pauses().await.unwrap(), []);
    let blind = post.queue.admin().as_actor("eve").with_rights(Rights::NONE.and(Right::Control));
    assert!(blind.limits().list().await.is_err() && blind.schedules().list().await.is_err());
    let without = Rights::ALL.without(Right::SeeContents);
    let keys = looks.with_rights(without);
    assert!(keys.limits().keys("key:post/visit", None, 1).await.is_err(), "keys are contents");
}
