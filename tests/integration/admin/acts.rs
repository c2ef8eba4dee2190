//! Acts on one job.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::json;
use simple_queue::{
    ActState, Acted, Admin, Error, Inserted, JobFilter, JobStatus, Right, Rights, Role, Why,
    prelude::*,
};
use uuid::Uuid;

use crate::support::{Probe, STOP, Say, TestDatabase, Working, eventually, working};

async fn from_now(database: &TestDatabase, time: &str) -> DateTime<Utc> {
    database.value(&format!("select now() + interval '{time}'")).await
}

async fn ann(database: &TestDatabase) -> Admin {
    database.queue().await.admin().as_actor("ann")
}

#[tokio::test]
async fn a_job_that_is_moved_while_a_worker_drains_starts_within_a_second() {
    let database = TestDatabase::migrated().await;
    // Few at a time, so that the backlog lasts longer than the test.
    let queue = database.queue().await.with_queue_default_semaphore_size(2);
    let probe = Probe::new();
    queue.register_handler(probe.clone());
    let elsewhere = database.job().queue("elsewhere").priority(-1);
    elsewhere.due_since(Duration::from_hours(3)).insert_many(4).await;
    let moved: Vec<Uuid> =
        database.value("select array_agg(id order by id) from simple_queue.jobs").await;
    database.job().insert_many(20_000).await;
    database.job().priority(-1).insert_many(10).await;
    let worker = queue.start().await;
    let drained = async || database.count("archive").await;
    eventually("it drains", async || drained().await > 100).await;
    let before_others = "archive where priority = -1";
    eventually("the lane is known", async || database.count(before_others).await == 10).await;
    let admin = ann(&database).await;
    let started = async |id: Uuid| {
        let (began, done) = (Instant::now(), format!("archive where id = '{id}'"));
        while database.count(&done).await == 0 {
            assert!(began.elapsed() < Duration::from_secs(1), "it has not started");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // Its due time is hours before the floor of the lane that it comes to.
    assert_eq!(admin.move_to(moved[0], Probe::QUEUE).await.unwrap(), Acted::Done);
    started(moved[0]).await;
    let edited = admin.edit(moved[1]).queue(Probe::QUEUE).priority(-7).await.unwrap();
    assert_eq!(edited, Acted::Done);
    started(moved[1]).await;
    let last = "select id from simple_queue.jobs where queue = 'probe' order by run_at desc, id desc limit 1";
    let last: Uuid = database.value(last).await;
    assert_eq!(admin.set_priority(last, -8).await.unwrap(), Acted::Done);
    started(last).await;
    let both = JobFilter::live().ids([moved[2], moved[3]]);
    assert_eq!(admin.select(both).move_to(Probe::QUEUE).await.unwrap().done, 2);
    started(moved[2]).await;
    started(moved[3]).await;
    assert!(drained().await < 20_000, "it was drained before");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_that_waits_for_later_runs_now_and_one_that_is_put_off_later() {
    let Working { database, queue, probe, worker } = working().await;
    let admin = ann(&database).await;
    let later = Probe::job(Say::Success).with_run_at(from_now(&database, "1 hour").await);
    let id = queue.insert_job(later).await.unwrap().unwrap();
    database.execute("update simple_queue.jobs set expires_at = run_at + interval '10 min'").await;
    let at = from_now(&database, "2 hours").await;
    assert_eq!(admin.run_at(id, at).await.unwrap(), Acted::Done);
    let put_off = format!(
        "jobs where run_at > now() + interval '119 min' and expires_at = run_at + interval '10 min' and id = '{id}'"
    );
    assert_eq!(database.count(&put_off).await, 1);
    assert_eq!(admin.run_now(id).await.unwrap(), Acted::Done);
    assert_eq!(probe.next_run().await.job_id, id);
    assert_eq!(queue.wait(id, STOP).await.unwrap().status, JobStatus::Completed);

    // Long past is now.
    let id = database.job().due_in(Duration::from_hours(1)).insert().await;
    assert_eq!(admin.run_at(id, DateTime::<Utc>::MIN_UTC).await.unwrap(), Acted::Done);
    assert_eq!(probe.next_run().await.job_id, id);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn a_job_that_is_not_as_the_act_needs_it_is_left_alone_with_the_reason() {
    let Working { database, queue, probe, worker } = working().await;
    let admin = ann(&database).await;
    let running = queue.insert_job(Probe::job(Say::WaitForGate)).await.unwrap().unwrap();
    probe.next_run().await;
    let waiting = database.job().queue("unserved").insert().await;
    let dead = database.dead_letter().insert().await;
    let done = database.archived().id(Uuid::now_v7()).insert().await;
    let gone = Uuid::now_v7();
    let ended = |status| Acted::Left(Why::Ended(status));
    for (acted, expected) in [
        (admin.delete(running).await, Acted::Left(Why::Running)),
        (admin.move_to(running, "q").await, Acted::Left(Why::Running)),
        (admin.run_now(running).await, Acted::Left(Why::Running)),
        (admin.edit(running).max_attempts(9).await, Acted::Left(Why::Running)),
        (admin.retry(running).await, Acted::Left(Why::Running)),
        (admin.retry(waiting).await, Acted::Left(Why::Waiting)),
        (admin.retry(done).await, ended(JobStatus::Completed)),
        (admin.cancel(dead).await, ended(JobStatus::Failed)),
        (admin.move_to(dead, "q").await, ended(JobStatus::Failed)),
        (admin.delete(done).await, ended(JobStatus::Completed)),
        (admin.delete(gone).await, Acted::Left(Why::Gone)),
        (admin.retry(gone).await, Acted::Left(Why::Gone)),
        (admin.edit(gone).priority(1).await, Acted::Left(Why::Gone)),
    ] {
        assert_eq!(acted.unwrap(), expected);
    }
    assert_eq!(admin.cancel(running).await.unwrap(), Acted::Done);
    assert_eq!(queue.wait(running, STOP).await.unwrap().status, JobStatus::Cancelled);
    assert_eq!(admin.cancel(waiting).await.unwrap(), Acted::Done);
    assert_eq!(admin.delete(waiting).await.unwrap(), Acted::Done, "it is a dead letter");
    assert_eq!(database.count("jobs").await, 0);
    let refused = admin.move_to(dead, "My Queue").await.unwrap_err();
    assert!(matches!(refused, Error::InvalidQueueName { .. }), "{refused}");
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn every_act_is_written_down_with_its_actor() {
    let database = TestDatabase::migrated().await;
    let admin = ann(&database).await;
    let job = database.job().insert().await;
    let holder = database.job().unique_key("k").insert().await;
    let dead = database.dead_letter().unique_key("k").insert().await;
    assert_eq!(admin.set_priority(job, 3).await.unwrap(), Acted::Done);
    assert_eq!(admin.retry(dead).await.unwrap(), Acted::Left(Why::KeyTaken(holder)));
    assert_eq!(admin.edit(job).args(json!({"secret": 7})).tags(["a"]).await.unwrap(), Acted::Done);
    let detail = admin.job(dead).await.unwrap().unwrap();
    assert_eq!(detail.key_holder.unwrap().job_id, holder);
    let deleted = admin.select(JobFilter::live().queue(Probe::QUEUE)).delete().await.unwrap();
    assert_eq!((deleted.done, deleted.state), (2, ActState::Done));

    let acts = admin.acts(None, 10).await.unwrap();
    let said: Vec<_> = acts
        .iter()
        .map(|act| (act.action.as_str(), act.target.clone(), act.done, act.left_alone, act.state))
        .collect();
    assert_eq!(
        said,
        [
            ("delete", "state:live queue:probe".to_owned(), 2, 0, ActState::Done),
            ("edit", format!("id:{job}"), 1, 0, ActState::Done),
            ("retry", format!("id:{dead}"), 0, 1, ActState::Done),
            ("move", format!("id:{job}"), 1, 0, ActState::Done),
        ]
    );
    assert!(acts.iter().all(|act| act.actor == "ann" && act.ended_at.is_some()));
    assert_eq!(acts[2].left, [(dead, Why::KeyTaken(holder))]);
    assert_eq!(acts[3].arguments.as_deref(), Some(r#"{"priority": 3}"#));
    let edit = acts[1].arguments.as_deref().unwrap();
    assert!(edit.contains(r#""args": ["payload"]"#) && !edit.contains('7'), "{edit}");
    assert_eq!(admin.acts(Some(acts[1].id), 10).await.unwrap(), acts[2..]);
    assert_eq!(admin.act(deleted.act).await.unwrap().unwrap(), acts[0]);
    let detail = admin.job(dead).await.unwrap().unwrap();
    assert_eq!(detail.acts, [acts[2].clone()]);
}

#[tokio::test]
async fn an_act_that_is_rolled_back_leaves_no_trace_and_one_without_a_trace_is_rolled_back() {
    let database = TestDatabase::migrated().await;
    let admin = ann(&database).await;
    let job = database.job().insert().await;
    database
        .execute("alter table simple_queue.audit add constraint refuses check (actor <> 'ann')")
        .await;
    assert!(admin.delete(job).await.is_err());
    assert_eq!((database.count("jobs").await, database.count("audit").await), (1, 0));
}

#[tokio::test]
async fn nobody_acts_without_a_name_and_its_right() {
    let database = TestDatabase::migrated().await;
    let job = database.job().insert().await;
    let queue = database.queue().await;
    let nobody = queue.admin().with_rights(Rights::ALL);
    let helpdesk = queue.admin().as_actor("bob").with_rights(Rights::READ_ONLY.and(Right::Retry));
    for (refused, actor) in [
        (queue.admin().retry(job).await, "nobody"),
        (nobody.cancel(job).await, "nobody"),
        (helpdesk.cancel(job).await, "bob"),
        (helpdesk.delete(job).await, "bob"),
        (helpdesk.run_now(job).await, "bob"),
        (helpdesk.edit(job).max_attempts(3).await, "bob"),
        (helpdesk.edit(job).priority(3).await, "bob"),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(&error, Error::NotAllowed { actor: who, .. } if who == actor), "{error}");
    }
    let deleting = helpdesk.select(JobFilter::dead()).delete().await.unwrap_err();
    assert!(matches!(deleting, Error::NotAllowed { .. }), "{deleting}");
    let inserting = helpdesk.enqueue_raw("", 1).queue("q").await.unwrap_err();
    assert!(matches!(inserting, Error::NotAllowed { .. }), "{inserting}");
    assert_eq!((database.count("jobs").await, database.count("audit").await), (1, 0));
    // What the database role may not do, no right makes possible.
    let viewer = database.granted("viewer", &[Role::Viewer]).await;
    let viewer = TestDatabase::queue_as(viewer).await.admin().as_actor("eve");
    let error = viewer.delete(job).await.unwrap_err();
    assert!(matches!(error, Error::MissingGrant { .. }), "{error}");
}

#[tokio::test]
async fn a_completed_job_runs_again_as_another_one_and_the_archive_stays() {
    let Working { database, queue, worker, .. } = working().await;
    let admin = ann(&database).await;
    let job = Probe::job(Say::Success).with_unique_key("k").with_max_attempts(5);
    let first = queue.insert_job(job).await.unwrap().unwrap();
    queue.wait(first, STOP).await.unwrap();
    let Inserted::Done(second) = admin.run_again(first).await.unwrap() else {
        panic!("it is there")
    };
    assert_ne!(first, second);
    assert_eq!(queue.wait(second, STOP).await.unwrap().status, JobStatus::Completed);
    let same = "archive where unique_key = 'k' and max_attempts = 5 and queue = 'probe'";
    assert_eq!(database.count(same).await, 2);

    queue.pause(Probe::QUEUE).await.unwrap();
    let holder = queue.insert_job(Probe::job(Say::Success).with_unique_key("k")).await.unwrap();
    let left = admin.run_again(first).await.unwrap();
    assert_eq!(left, Inserted::Left(Why::KeyTaken(holder.unwrap())));
    let left = admin.run_again(holder.unwrap()).await.unwrap();
    assert_eq!(left, Inserted::Left(Why::Waiting));
    assert_eq!(admin.run_again(Uuid::now_v7()).await.unwrap(), Inserted::Left(Why::Gone));
    worker.shutdown(STOP).await;
}

#[job(queue = "letters", unique = "letter:{to}", retries = 7)]
async fn write_letter(to: i64, text: String) {
    assert!(to > 0 && !text.is_empty());
}

#[tokio::test]
async fn a_job_is_enqueued_by_hand_as_its_declaration_says() {
    let database = TestDatabase::migrated().await;
    let queue = database.queue().await;
    queue.register(jobs![WriteLetter], ()).unwrap();
    let admin = queue.admin().as_actor("ann");
    let args = json!({"to": 7, "text": "dear"});
    let Inserted::Done(id) = admin.enqueue_raw("write_letter", &args).await.unwrap() else {
        panic!("its key is free")
    };
    let right = format!(
        "jobs where id = '{id}' and queue = 'letters' and unique_key = 'write_letter:letter:7'"
    );
    assert_eq!(database.count(&right).await, 1);
    let again = admin.enqueue_raw("write_letter", &args).await.unwrap();
    assert_eq!(again, Inserted::Left(Why::KeyTaken(id)));
    let unfit = admin.enqueue_raw("write_letter", json!({"to": "x"})).await.unwrap_err();
    assert!(unfit.to_string().contains("the payload does not fit `write_letter`: to"), "{unfit}");

    // A kind that this process does not know.
    let needs_queue = admin.enqueue_raw("unknown", 1).await.unwrap_err();
    assert!(
        needs_queue.to_string().contains("no worker has declared the kind `unknown`"),
        "{needs_queue}"
    );
    let at = from_now(&database, "1 hour").await;
    let unknown = admin.enqueue_raw("unknown", 1).queue("q").at(at).priority(-2).version(3);
    assert!(matches!(unknown.await.unwrap(), Inserted::Done(_)));
    let right =
        "jobs where kind = 'unknown' and priority = -2 and version = 3 and max_attempts is null
        and run_at > now() + interval '59 min'";
    assert_eq!(database.count(right).await, 1);
    assert_eq!(database.count("audit where action = 'enqueue'").await, 3);
}
