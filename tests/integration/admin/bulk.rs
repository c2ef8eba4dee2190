//! Acts on many jobs.

use std::time::Duration;

use simple_queue::{ActState, Error, JobFilter, Why};
use uuid::Uuid;

use crate::support::{Mortal, Probe, STOP, TestDatabase, eventually};

#[tokio::test]
async fn of_five_thousand_dead_letters_those_whose_keys_are_taken_stay_with_the_reason() {
    let database = TestDatabase::migrated().await;
    let keys = "case when n % 2000 = 1 then 'k' || n end";
    database.dead_letter().set("unique_key", keys).insert_many(5000).await;
    database.job().set("unique_key", "'k' || (n - 1) * 2000 + 1").insert_many(3).await;
    let expected: Vec<Uuid> = database
        .value(
            "select array_agg(pair.id order by d.id, pair.place)
                from simple_queue.dead_letters d
                join simple_queue.jobs j on j.unique_key = d.unique_key
                cross join lateral (values (1, d.id), (2, j.id)) as pair (place, id)",
        )
        .await;
    let admin = database.queue().await.admin().as_actor("ann");
    let retried = admin.select(JobFilter::any()).retry().await.unwrap();
    assert_eq!((retried.done, retried.left_alone, retried.state), (4997, 3, ActState::Done));
    let mut left = retried.left.clone();
    left.sort_by_key(|(id, _)| *id);
    let pairs: Vec<(Uuid, Why)> =
        expected.chunks(2).map(|pair| (pair[0], Why::KeyTaken(pair[1]))).collect();
    assert_eq!(left, pairs);
    assert_eq!((database.count("dead_letters").await, database.count("jobs").await), (3, 5000));
    let act = admin.act(retried.act).await.unwrap().unwrap();
    assert_eq!((act.done, act.left_alone, act.looked_at), (4997, 3, 5000));
}

#[tokio::test]
async fn an_act_is_about_its_filter_and_about_what_was_there_when_it_began() {
    let database = TestDatabase::migrated().await;
    let admin = database.queue().await.admin().as_actor("ann");
    let job = || database.job().set("priority", "n % 5");
    job().queue("a").insert_many(3000).await;
    job().queue("b").insert_many(3000).await;
    job().queue("a").running_nowhere().insert_many(10).await;
    // As of a client whose clock is ahead.
    job().queue("a").set("created_at", "now() + interval '1 hour'").insert_many(7).await;
    job().queue("a").set("tags", "'{x}'").insert_many(30).await;
    let moved =
        admin.select(JobFilter::waiting().queue("a").priority(2..)).move_to("c").await.unwrap();
    let expected = "jobs where queue = 'c' and worker_id is null and priority >= 2";
    assert_eq!(database.count(expected).await, i64::try_from(moved.done).unwrap());
    assert_eq!(moved.done, 1800 + 18);
    assert_eq!(database.count("jobs where queue = 'b'").await, 3000);
    let of_tag = admin.select(JobFilter::live().tag("x")).delete().await.unwrap();
    assert_eq!(of_tag.done, 30);
    let cancelled = admin.select(JobFilter::live().queue("a")).cancel().await.unwrap();
    assert_eq!(cancelled.done, 1200 + 10, "those that run are told");
    assert_eq!(database.count("dead_letters where status = 'cancelled'").await, 1200);
    let deleted =
        admin.select(JobFilter::dead().since(Duration::from_mins(1))).delete().await.unwrap();
    assert_eq!((deleted.done, database.count("dead_letters").await), (1200, 0));
}

#[tokio::test]
async fn jobs_that_are_named_and_not_as_they_should_be_are_told() {
    let database = TestDatabase::migrated().await;
    let admin = database.queue().await.admin().as_actor("ann");
    let waiting = database.job().insert().await;
    let running = database.job().running_nowhere().insert().await;
    let dead = database.dead_letter().insert().await;
    let gone = Uuid::now_v7();
    let named = JobFilter::live().ids([waiting, running, dead, gone, waiting]);
    let mut deleted = admin.select(named).delete().await.unwrap();
    assert_eq!((deleted.done, deleted.left_alone), (1, 3));
    deleted.left.sort_by_key(|(id, _)| *id);
    let mut expected = vec![(running, Why::Running), (dead, Why::Changed), (gone, Why::Gone)];
    expected.sort_by_key(|(id, _)| *id);
    assert_eq!(deleted.left, expected);
    let none = admin.select(JobFilter::live().ids([])).delete().await.unwrap();
    assert_eq!((none.done, none.left_alone), (0, 0));
}

#[tokio::test]
async fn rows_that_another_transaction_holds_are_left_alone_and_hold_up_nothing() {
    let database = TestDatabase::migrated().await;
    let admin = database.queue().await.admin().as_actor("ann");
    database.job().insert_many(50).await;
    let held = database.job().insert().await;
    let mut tx = database.pool.begin().await.unwrap();
    sqlx::query("select from simple_queue.jobs where id = $1 for update")
        .bind(held)
        .execute(&mut *tx)
        .await
        .unwrap();
    let deleted = admin.select(JobFilter::live()).delete().await.unwrap();
    assert_eq!((deleted.done, deleted.left), (50, vec![(held, Why::Busy)]));
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn a_filter_about_other_states_than_the_act_is_refused() {
    let database = TestDatabase::migrated().await;
    let admin = database.queue().await.admin().as_actor("ann");
    for (refused, says) in [
        (admin.select(JobFilter::live()).retry().await, "dead letters, `state:dead`"),
        (admin.select(JobFilter::dead()).cancel().await, "jobs that wait or run, `state:live`"),
        (admin.select(JobFilter::done()).delete().await, "or jobs that wait, `state:live`"),
        (admin.select(JobFilter::any()).delete().await, "or jobs that wait, `state:live`"),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error, Error::InvalidOption { .. }), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(database.count("audit").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_act_whose_process_is_killed_is_finished_by_a_janitor_and_counts_each_job_once() {
    const MANY: i64 = 50_000;
    let database = TestDatabase::migrated().await;
    database.dead_letter().queue("old").insert_many(50_000).await;
    database.dead_letter().queue("new").insert_many(10).await;
    let url = database.url.clone();
    let mortal = Mortal::start(move || async move {
        let queue = TestDatabase::queue_at(&url).await;
        let admin = queue.admin().as_actor("ann");
        admin.select(JobFilter::dead().queue("old")).delete().start().await.unwrap();
        queue
    })
    .await;
    eventually("it is in the midst of it", async || {
        database.count("audit where done between 1000 and 40000").await == 1
    })
    .await;
    mortal.kill();
    eventually("no session of it is left", async || {
        let acts = "select count(*) from pg_stat_activity where datname = current_database()
            and pid <> pg_backend_pid() and state = 'active'";
        database.value::<i64>(acts).await == 0
    })
    .await;
    assert_eq!(database.count("audit where state = 'running'").await, 1);
    let done: i64 = database.value("select done from simple_queue.audit").await;
    assert_eq!(database.count("dead_letters where queue = 'old'").await, MANY - done);
    // As if a minute had passed.
    database.execute("update simple_queue.audit set updated_at = now() - interval '61 s'").await;
    let queue = database.queue().await.with_janitor_interval(Duration::from_millis(200));
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    eventually("it is finished", async || {
        database.count("audit where state = 'done' and ended_at is not null").await == 1
    })
    .await;
    let told = format!("audit where done = {MANY} and left_alone = 0 and actor = 'ann'");
    assert_eq!(database.count(&told).await, 1);
    assert_eq!(database.count("dead_letters").await, 10);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn an_act_is_stopped_between_two_bites_and_goes_on_where_it_was() {
    let database = TestDatabase::migrated().await;
    let admin = database.queue().await.admin().as_actor("ann");
    database.dead_letter().insert_many(20_000).await;
    let act = admin.select(JobFilter::dead()).delete().start().await.unwrap();
    eventually("it has begun", async || database.count("audit where done > 0").await == 1).await;
    assert!(admin.stop(act).await.unwrap());
    assert!(!admin.stop(act).await.unwrap(), "it is stopped");
    let stopped = admin.act(act).await.unwrap().unwrap();
    assert_eq!(stopped.state, ActState::Stopped);
    assert!(stopped.done < 20_000, "it was done before");
    let left = database.count("dead_letters").await;
    assert_eq!(left, 20_000 - i64::try_from(stopped.done).unwrap());
    let touched = admin.go_on(act).await.unwrap().unwrap();
    assert_eq!((touched.done, touched.state), (20_000, ActState::Done));
    assert_eq!(database.count("dead_letters").await, 0);
    assert!(admin.go_on(Uuid::now_v7()).await.unwrap().is_none());
}

#[tokio::test]
async fn an_act_that_this_release_cannot_read_fails_and_says_so() {
    let database = TestDatabase::migrated().await;
    let admin = database.queue().await.admin().as_actor("ann");
    let insert = "insert into simple_queue.audit (id, actor, action, target, state)
        values (gen_random_uuid(), 'later', 'fold', 'state:dead shape:round', 'running')";
    database.execute(insert).await;
    let act: Uuid = database.value("select id from simple_queue.audit").await;
    let touched = admin.go_on(act).await.unwrap().unwrap();
    assert_eq!(touched.state, ActState::Failed);
    let note = admin.act(act).await.unwrap().unwrap().note.unwrap();
    assert!(note.contains("a later one began it"), "{note}");
}

#[tokio::test]
async fn an_act_that_cannot_go_on_says_why_and_holds_up_no_other() {
    let database = TestDatabase::migrated().await;
    database.dead_letter().insert_many(5).await;
    database.job().queue("unserved").insert_many(5).await;
    let insert = "insert into simple_queue.audit (id, actor, action, target, state, updated_at)
        select gen_random_uuid(), 'ann', 'delete', 'state:' || state, 'running', now() - interval '2 min'
        from unnest(array['live', 'dead']) state";
    database.execute(insert).await;
    for sql in [
        "create function public.refuse() returns trigger language plpgsql as $$ begin
            raise exception 'nothing is deleted here' using errcode = 'object_not_in_prerequisite_state';
        end $$",
        "create trigger refuse before delete on simple_queue.jobs
            for each statement execute function public.refuse()",
    ] {
        database.execute(sql).await;
    }
    let queue = database.queue().await.with_janitor_interval(Duration::from_millis(200));
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    let finished = "audit where state = 'done' and done = 5 and target = 'state:dead'";
    eventually("the other is finished", async || database.count(finished).await == 1).await;
    let says = "audit where state = 'running' and note like '%nothing is deleted here%'";
    eventually("it says why", async || database.count(says).await == 1).await;
    assert_eq!(database.count("jobs").await, 5);
    worker.shutdown(STOP).await;
}

#[tokio::test]
async fn acts_are_remembered_for_ninety_days() {
    let database = TestDatabase::migrated().await;
    let insert = "insert into simple_queue.audit (id, actor, action, target, state, created_at)
        select gen_random_uuid(), 'ann', 'retry', '', case when n = 3 then 'running' else 'done' end,
            now() - case when n < 3 then interval '89 days' else interval '91 days' end
        from generate_series(1, 5) n";
    database.execute(insert).await;
    // It is not forgotten before it has ended.
    database.execute("update simple_queue.audit set updated_at = now()").await;
    let queue = database.queue().await.with_janitor_interval(Duration::from_millis(200));
    queue.register_handler(Probe::new());
    let worker = queue.start().await;
    eventually("the old ones are gone", async || database.count("audit").await == 3).await;
    worker.shutdown(STOP).await;
}
