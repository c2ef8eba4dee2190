//! What is done through pages, as the tables have it afterwards.

use std::time::Duration;

use simple_queue::{ActState, JobFilter, JobStatus};

use crate::place::{Crawl, Endless, Greet, Place};

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
async fn queues_and_kinds_are_paused_with_a_reason_and_resumed() {
    let place = Place::new().await;
    place.work(&["ann"]).await;
    let site = place.open();
    site.act("/queues/greetings/pause", &[("reason", "provider down"), ("lasting", "60")]).await;
    site.act("/queues/greetings/pause", &[("kind", "greet"), ("lasting", "0")]).await;
    let pauses = place.queue.pauses().await.unwrap();
    assert_eq!(pauses.len(), 2);
    assert!(
        pauses.iter().any(|it| it.reason.as_deref() == Some("provider down") && it.until.is_some())
    );
    let page = site.get("/queues/greetings").await.body;
    assert!(page.contains("provider down") && page.contains("/resume"), "{page}");
    assert!(site.get("/kinds/greet").await.body.contains("/resume"));
    site.act("/queues/greetings/resume", &[("kind", "greet")]).await;
    site.act("/queues/greetings/resume", &[("kind", "")]).await;
    assert!(place.queue.pauses().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_their_keys_are_set_paused_and_reset() {
    let place = Place::new().await;
    place.work(&[]).await;
    let site = place.open();
    let limits = site.json("/limits").await;
    let names: Vec<_> = limits["limits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["key:crawls/crawl", "order:orders/step"]);
    let path = "/limits/key%3Acrawls%2Fcrawl";
    site.act(&format!("{path}/set"), &[("value", "3")]).await;
    site.act(&format!("{path}/pause"), &[]).await;
    let find = async || place.queue.limits().find("key:crawls/crawl").await.unwrap().unwrap();
    let state = find().await;
    assert!(state.set_to == Some(3) && state.paused_at.is_some(), "{state:?}");
    site.act(&format!("{path}/resume"), &[]).await;
    site.act(&format!("{path}/reset"), &[]).await;
    let state = find().await;
    assert!(state.set_to.is_none() && state.paused_at.is_none(), "{state:?}");

    let key = "b.test/?a=1#2";
    Crawl::new(key.to_owned()).enqueue(&place.queue).await.unwrap();
    site.act(&format!("{path}/pause"), &[("key", key)]).await;
    let keys = site.json(path).await;
    assert_eq!(keys["keys"][0]["key"], key);
    assert!(!keys["keys"][0]["paused_at"].is_null(), "{keys}");
    site.act(&format!("{path}/set"), &[("key", key), ("value", "2")]).await;
    site.act(&format!("{path}/reset"), &[("key", key)]).await;
    assert_eq!(site.post(&format!("{path}/set"), &[("value", "none")]).await.status, 422);
    assert_eq!(site.post(&format!("{path}/set"), &[("value", "0")]).await.status, 422);
    assert_eq!(site.post("/limits/nothing/pause", &[]).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_run_now_pause_and_resume() {
    let place = Place::new().await;
    place.work(&[]).await;
    let site = place.open();
    let page = site.get("/schedules").await.body;
    assert!(page.contains("At 03:00"), "{page}");
    let job = site.act("/schedules/nightly/run-now", &[]).await;
    assert!(job.starts_with("/jobs/"), "{job}");
    assert_eq!(place.one(JobFilter::live()).await.kind, "nightly");
    site.act("/schedules/nightly/pause", &[]).await;
    assert!(place.queue.schedules().find("nightly").await.unwrap().unwrap().paused_at.is_some());
    site.act("/schedules/nightly/resume", &[]).await;
    assert!(place.queue.schedules().find("nightly").await.unwrap().unwrap().paused_at.is_none());
    assert_eq!(site.post("/schedules/nothing/pause", &[]).await.status, 404);
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
