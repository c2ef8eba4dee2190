//! What is done through pages, as the tables have it afterwards.

use std::time::Duration;

use simple_queue::{ActState, JobFilter, JobStatus};

use crate::place::{Endless, Greet, Place};

fn greet(name: &str) -> Greet {
    Greet::new(name.to_owned(), "secret".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_job_is_retried_run_again_moved_edited_cancelled_and_deleted() {
    let place = Place::new().await;
    place.work(&["ann", "!ben"]).await;
    let site = place.open();
    let dead = place.one(JobFilter::dead()).await.id;
    assert!(
        site.act(&format!("/jobs/{dead}/retry"), &[])
            .await
            .starts_with(&format!("/jobs/{dead}?said="))
    );
    assert_eq!(place.queue.status(dead).await.unwrap(), JobStatus::Pending);
    // It waits, so there is nothing to put back: that is said, and nothing is done.
    let again = site.post(&format!("/jobs/{dead}/retry"), &[]).await;
    assert!(again.status == 409 && again.body.contains("it waits to run"), "{}", again.body);

    let seen = place.one(JobFilter::live()).await.version.to_string();
    let moved = [("queue", "later"), ("priority", "-7"), ("at", "2h"), ("version", &seen)];
    site.act(&format!("/jobs/{dead}/move"), &moved).await;
    let job = place.one(JobFilter::live()).await;
    assert_eq!((job.queue.as_str(), job.priority), ("later", -7));
    assert_eq!(
        site.post(&format!("/jobs/{dead}/move"), &moved).await.status,
        409,
        "it has changed"
    );
    site.act(&format!("/jobs/{dead}/run-now"), &[]).await;

    let args = r#"{"name": "cleo", "token": "…"}"#;
    site.act(
        &format!("/jobs/{dead}/edit"),
        &[("args", args), ("max_attempts", "4"), ("tags", "a, b")],
    )
    .await;
    let contents = place.queue.admin().job(dead).await.unwrap().unwrap().job.contents.unwrap();
    assert!(contents.payload.unwrap().contains("cleo"));
    assert_eq!(contents.tags, ["a", "b"]);
    for bad in ["{", r#"{"name": 7}"#] {
        let got = site.post(&format!("/jobs/{dead}/edit"), &[("args", bad)]).await;
        assert_eq!(got.status, 422, "{}", got.body);
    }
    site.act(&format!("/jobs/{dead}/cancel"), &[]).await;
    assert_eq!(place.queue.status(dead).await.unwrap(), JobStatus::Cancelled);
    site.act(&format!("/jobs/{dead}/delete"), &[]).await;
    assert_eq!(place.count(JobFilter::dead()).await, 0);

    let done = place.one(JobFilter::done().kind("greet")).await.id;
    let new = site.act(&format!("/jobs/{done}/run-again"), &[]).await;
    assert!(!new.contains(&done.to_string()) && new.starts_with("/jobs/"), "{new}");
    assert_eq!(place.count(JobFilter::live()).await, 1);
    let acts = place.queue.admin().acts(None, 100).await.unwrap();
    assert!(acts.iter().all(|act| act.actor == "dashboard") && acts.len() >= 8, "{acts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_match_are_acted_on_and_no_others() {
    let place = Place::new().await;
    place.work(&["!ben", "!cleo", "ann"]).await;
    let site = place.open();
    let preview = site.json("/jobs/confirm?verb=retry&all=1&q=state:dead+error:ben").await;
    assert_eq!((preview["count"].as_u64(), preview["exact"].as_bool()), (Some(1), Some(true)));
    assert_eq!(place.count(JobFilter::dead()).await, 2, "a preview changes nothing");
    let fields = [("verb", "retry"), ("all", "1"), ("q", "state:dead error:ben")];
    let act = site.act("/jobs/act", &fields).await;
    assert!(act.starts_with("/actions/"), "{act}");
    test_support::eventually("one is retried", async || place.count(JobFilter::dead()).await == 1)
        .await;
    assert_eq!(place.one(JobFilter::dead().error_like("cleo")).await.kind, "greet");

    // A group of dead letters, as its page selects it.
    let groups = site.json("/dead").await;
    let filter = groups["groups"][0]["filter"].as_str().unwrap();
    site.act("/jobs/act", &[("verb", "delete"), ("all", "1"), ("q", filter)]).await;
    test_support::eventually("the group is deleted", async || {
        place.count(JobFilter::dead()).await == 0
    })
    .await;

    // Some that were picked.
    let jobs = (0..4).map(|at| greet(&format!("{at}")).delay(Duration::from_hours(1)));
    let mut ids = Vec::new();
    for job in jobs {
        ids.push(job.enqueue(&place.queue).await.unwrap().id().to_string());
    }
    let picked = [("verb", "move"), ("value", "slow"), ("id", &ids[0]), ("id", &ids[1]), ("q", "")];
    site.act("/jobs/act", &picked).await;
    test_support::eventually("two are moved", async || {
        place.count(JobFilter::live().queue("slow")).await == 2
    })
    .await;
    site.act(
        "/jobs/act",
        &[("verb", "priority"), ("value", "9"), ("all", "1"), ("q", "queue:slow")],
    )
    .await;
    test_support::eventually("two have another priority", async || {
        place.count(JobFilter::live().priority(9..=9)).await == 2
    })
    .await;
    let other_time = [("verb", "run-at"), ("value", "3h"), ("all", "1"), ("q", "queue:slow")];
    site.act("/jobs/act", &other_time).await;
    test_support::eventually("two have another time", async || {
        let jobs = place.queue.admin().find(&JobFilter::live().queue("slow")).await.unwrap().jobs;
        jobs.iter().all(|job| job.run_at > Some(job.created_at + Duration::from_hours(2)))
    })
    .await;
    let now = [("verb", "run-now"), ("all", "1"), ("q", "state:later queue:greetings")];
    site.act("/jobs/act", &now).await;
    test_support::eventually("the others are due", async || {
        place.count(JobFilter::later().queue("greetings")).await == 0
    })
    .await;
    assert_eq!(
        site.post("/jobs/act", &[("verb", "retry"), ("q", "state:dead")]).await.status,
        422,
        "none picked"
    );
    let acts = place.queue.admin().acts(None, 100).await.unwrap();
    assert!(acts.iter().all(|act| act.state == ActState::Done), "{acts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_on_many_is_stopped_and_goes_on() {
    let place = Place::new().await;
    let later = greet("ann").delay(Duration::from_hours(1));
    let id = later.enqueue(&place.queue).await.unwrap().id();
    let site = place.open();
    // Another transaction has locked the job, so the act leaves it alone.
    let mut held = place.queue.pool().begin().await.unwrap();
    let lock = "select id from simple_queue.jobs where id = $1 for update";
    sqlx::query(lock).bind(id).execute(&mut *held).await.unwrap();
    let fields = [("verb", "cancel"), ("all", "1"), ("q", "queue:greetings")];
    let page = site.act("/jobs/act", &fields).await;
    let act = page.split('?').next().unwrap().to_owned();
    let state = async || place.queue.admin().acts(None, 1).await.unwrap()[0].state;
    test_support::eventually("the act is done", async || state().await == ActState::Done).await;
    held.rollback().await.unwrap();
    // As if its process had ended before the first job.
    let begin = "update simple_queue.audit set state = 'running', ended_at = null, cursor = null";
    sqlx::query(begin).execute(place.queue.pool()).await.unwrap();

    assert!(site.act(&format!("{act}/stop"), &[]).await.ends_with("said=stopped"));
    assert!(site.act(&format!("{act}/stop"), &[]).await.ends_with("said=not-there"));
    assert_eq!(state().await, ActState::Stopped);
    assert_eq!(place.queue.status(id).await.unwrap(), JobStatus::Pending);
    site.act(&format!("{act}/resume"), &[]).await;
    test_support::eventually("the job is cancelled", async || {
        place.queue.status(id).await.unwrap() == JobStatus::Cancelled
    })
    .await;
    test_support::eventually("the act is done", async || state().await == ActState::Done).await;
    let nothing = "/actions/0199c1f0-0000-7000-8000-000000000001/resume";
    assert_eq!(site.post(nothing, &[]).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_is_cancelled_through_its_page() {
    let place = Place::new().await;
    let id = Endless::new().enqueue(&place.queue).await.unwrap().id();
    let worker = place.queue.start().await;
    let site = place.open();
    test_support::eventually("it runs", async || {
        place.queue.status(id).await.unwrap() == JobStatus::Running
    })
    .await;
    let page = site.get(&format!("/jobs/{id}")).await.body;
    assert!(page.contains("verb=cancel") && page.contains("runs"), "{page}");
    site.act("/jobs/act", &[("verb", "cancel"), ("id", &id.to_string()), ("q", "state:running")])
        .await;
    test_support::eventually("it has ended", async || {
        place.queue.status(id).await.unwrap().is_final()
    })
    .await;
    worker.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_job_is_made_of_a_form_with_its_arguments() {
    let place = Place::new().await;
    place.work(&[]).await;
    let site = place.open();
    let form = site.get("/new?kind=greet").await.body;
    assert!(form.contains("name=\"arg.name\"") && form.contains("name=\"arg.token\""), "{form}");
    let fields = [
        ("kind", "greet"),
        ("arg.name", "in \"quotes\""),
        ("arg.token", "t"),
        ("priority", "-3"),
        ("at", "1h"),
    ];
    let path = site.act("/new", &fields).await;
    let job = place.one(JobFilter::live()).await;
    assert!(path.contains(&job.id.to_string()));
    assert_eq!((job.queue.as_str(), job.priority), ("greetings", -3));
    let contents = place.queue.admin().job(job.id).await.unwrap().unwrap().job.contents.unwrap();
    assert!(contents.payload.unwrap().contains(r#""in \"quotes\"""#));
    // What was typed is not lost.
    let wrong =
        site.post("/new", &[("kind", "step"), ("arg.order_id", "seven"), ("at", "10m")]).await;
    assert!(wrong.status == 422 && wrong.body.contains("value=\"seven\""), "{}", wrong.body);
    assert!(
        wrong.body.contains("value=\"10m\"") && wrong.body.contains("role=\"alert\""),
        "{}",
        wrong.body
    );
    assert_eq!(place.count(JobFilter::live()).await, 1);
}
