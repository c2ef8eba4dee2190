//! A database that is away.

use std::time::Duration;

use simple_queue::SimpleQueue;
use simple_queue_dashboard::Dashboard;

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
