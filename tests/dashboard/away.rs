//! A database that is away.

use std::time::{Duration, Instant};

use simple_queue::SimpleQueue;
use simple_queue_dashboard::Dashboard;
use test_support::{Fault, Proxy};

use crate::place::{Place, Site};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_never_there_is_a_page() {
    let queue = SimpleQueue::builder("postgres://127.0.0.1:1/none").build().unwrap();
    let site = Site(Dashboard::new(queue).open());
    for path in ["/jobs", "/queues", "/doctor"] {
        let got = site.get(path).await;
        assert_eq!(got.status, 503, "{path}");
        assert!(got.body.contains("does not answer") && got.body.contains("<nav"), "{}", got.body);
    }
    let json = site.send("GET", "/jobs", &[("accept", "application/json")], "").await;
    assert!(json.status == 503 && json.body.contains("\"error\""), "{}", json.body);
    assert_eq!(site.get("/livez").await.status, 200);
    let ready = site.get("/readyz").await;
    assert!(ready.status == 503 && ready.body.contains("unreachable"), "{}", ready.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_database_that_went_away_is_shown_as_it_was() {
    let Place { server, queue } = Place::new().await;
    let place = Dashboard::new(queue).open().refresh(Duration::from_secs(1));
    let site = Site(place);
    let before = site.get("/schedules").await;
    assert!(before.status == 200, "{}", before.body);
    server.stop().await.unwrap();
    test_support::eventually("the page says that the database is away", async || {
        let got = site.get("/schedules").await;
        got.status == 503
            && got.body.contains("This is as of")
            && got.body.contains("class=\"stale\"")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_answers_no_more_is_a_page_in_time_and_comes_back() {
    let place = Place::new().await;
    let proxy = Proxy::start(place.server.url()).await;
    let queue = SimpleQueue::connect(&proxy.url(place.server.url())).await.unwrap();
    let site = Site(Dashboard::new(queue).open().refresh(Duration::from_secs(1)));
    assert_eq!(site.get("/schedules").await.status, 200);
    proxy.set(Fault::HalfOpen);
    test_support::eventually("the page is shown as it was", async || {
        let asked = Instant::now();
        let got = site.get("/schedules").await;
        assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
        got.status == 503 && got.body.contains("This is as of")
    })
    .await;
    let asked = Instant::now();
    assert_eq!(site.get("/livez").await.status, 200);
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "as long as a probe waits: {:?}",
        asked.elapsed()
    );
    proxy.set(Fault::None);
    proxy.give_up_silent();
    test_support::eventually("the page is new again", async || {
        site.get("/schedules").await.status == 200
    })
    .await;
}
