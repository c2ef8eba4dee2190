//! What viewers cost the database.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use simple_queue::{SimpleQueue, embedded::EmbeddedPostgres};
use simple_queue_dashboard::Dashboard;
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use test_support::eventually;

use crate::place::{Place, Site};

/// 4 s, for which the viewers look.
const WATCHED: Duration = Duration::from_secs(4);

/// 2 s between two looks of a viewer, as the script of a page makes them.
const REFRESH: Duration = Duration::from_secs(2);

/// The transactions of the database until now. The server counts all those of a session only when it has ended, so this
/// takes the queue.
async fn transactions(queue: SimpleQueue, elsewhere: &mut PgConnection) -> i64 {
    let database = queue.pool().connect_options().get_database().unwrap().to_owned();
    drop(queue);
    eventually("the sessions have ended", async || {
        let left = "select count(*) from pg_stat_activity where datname = $1 and backend_type = 'client backend'";
        let left: i64 = sqlx::query_scalar(left).bind(&database).fetch_one(&mut *elsewhere).await.unwrap();
        left == 0
    })
    .await;
    let told = "select xact_commit + xact_rollback from pg_stat_database where datname = $1";
    sqlx::query_scalar(told).bind(&database).fetch_one(elsewhere).await.unwrap()
}

/// The transactions until now, after so many viewers looked at a page.
async fn after_viewers(
    viewers: usize,
    server: &EmbeddedPostgres,
    elsewhere: &mut PgConnection,
) -> i64 {
    let queue = SimpleQueue::connect(server.url()).await.unwrap();
    let site = Arc::new(Site(Dashboard::new(queue.clone()).open()));
    let begun = Instant::now();
    let viewers = (0..viewers).map(|_| {
        let site = Arc::clone(&site);
        tokio::spawn(async move {
            let mut refreshes = tokio::time::interval(REFRESH);
            while begun.elapsed() < WATCHED {
                refreshes.tick().await;
                assert_eq!(site.get("/jobs").await.status, 200);
            }
        })
    });
    for viewer in join_all(viewers).await {
        viewer.unwrap();
    }
    drop(site);
    transactions(queue, elsewhere).await
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_viewers_of_a_page_cost_what_one_does() {
    let place = Place::new().await;
    place.work(&["ann", "!bob"]).await;
    let Place { server, queue } = place;
    // Of another database, so that its own statements do not count.
    let elsewhere: PgConnectOptions = server.url().parse().unwrap();
    let elsewhere = elsewhere.database("template1");
    let mut elsewhere = PgConnection::connect_with(&elsewhere).await.unwrap();
    let before = transactions(queue, &mut elsewhere).await;
    let with_one = after_viewers(1, &server, &mut elsewhere).await;
    let with_fifty = after_viewers(50, &server, &mut elsewhere).await;
    let (one, fifty) = (with_one - before, with_fifty - with_one);
    assert!(one > 0, "the page was read");
    // A second session prepares its statements too.
    assert!(fifty <= 2 * one, "{one} transactions with one viewer, {fifty} with fifty");
}
