//! Acts on queues, kinds, limits, sequences and schedules.

use std::time::Duration;

use simple_queue::{JobFilter, Schedule};

use crate::place::{Crawl, Place, Step};

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
async fn schedules_run_now_pause_resume_reset_and_are_removed() {
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
    let every_hour = Schedule::cron("0 * * * *").unwrap();
    place.queue.schedules().set("nightly", &every_hour).await.unwrap();
    site.act("/schedules/nightly/reset", &[]).await;
    assert!(!place.queue.schedules().find("nightly").await.unwrap().unwrap().is_set);
    assert!(site.act("/schedules/nightly/remove", &[]).await.ends_with("said=removed"));
    assert!(place.queue.schedules().find("nightly").await.unwrap().is_none());
    assert!(site.act("/schedules/nightly/remove", &[]).await.ends_with("said=not-there"));
    for act in ["pause", "reset", "run-now"] {
        assert_eq!(site.post(&format!("/schedules/nightly/{act}"), &[]).await.status, 404, "{act}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_halted_sequence_goes_on_past_its_dead_job() {
    let place = Place::new().await;
    let worker = place.queue.start().await;
    Step::enqueue_all([Step::new(-1), Step::new(-1)], &place.queue).await.unwrap();
    let site = place.open();
    test_support::eventually("the first is dead and halts the other", async || {
        place.count(JobFilter::dead()).await == 1
    })
    .await;
    let path = "/limits/order%3Aorders%2Fstep";
    test_support::eventually("its page shows the key", async || {
        site.json(path).await.to_string().contains("-1")
    })
    .await;
    assert_eq!(place.count(JobFilter::live()).await, 1);
    assert_eq!(site.post(&format!("{path}/skip"), &[]).await.status, 422, "no key");
    let said = site.act(&format!("{path}/skip"), &[("key", "-1")]).await;
    assert!(said.ends_with("said=skipped"), "{said}");
    test_support::eventually("the other has run", async || {
        place.count(JobFilter::dead()).await == 2
    })
    .await;
    worker.shutdown(Duration::from_secs(5)).await;
}
