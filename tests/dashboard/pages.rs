//! What the pages show.

use simple_queue::JobFilter;

use crate::place::{Crawl, Endless, Greet, HOSTILE, Place};

/// All pages, of a place with a dead letter, and an act.
pub(crate) async fn pages_of(place: &Place) -> Vec<String> {
    let job = place.one(JobFilter::dead()).await.id;
    let act = place.queue.admin().acts(None, 1).await.unwrap()[0].id;
    let mut pages: Vec<String> = [
        "/",
        "/jobs",
        "/jobs?q=state:dead",
        "/jobs?q=state:waiting+queue:greetings",
        "/queues",
        "/queues/greetings",
        "/queues/greetings?since=30d",
        "/kinds",
        "/kinds/greet",
        "/kinds/greet?since=7d",
        "/dead",
        "/dead?since=1h",
        "/schedules",
        "/limits",
        "/limits/key%3Acrawls%2Fcrawl",
        "/workers",
        "/actions",
        "/doctor",
        "/new",
        "/new?kind=greet",
        "/jobs/confirm?verb=retry&all=1&q=state:dead",
        "/jobs/confirm?verb=delete&all=1&q=queue:greetings",
    ]
    .map(str::to_owned)
    .to_vec();
    pages.extend([format!("/jobs/{job}"), format!("/actions/{act}")]);
    pages.push(format!("/jobs/confirm?verb=cancel&id={job}&q="));
    pages
}

/// A place where every text from outside is hostile.
async fn hostile() -> Place {
    let place = Place::new().await;
    place.work(&["ann", &format!("!{HOSTILE}")]).await;
    let admin = place.queue.admin().as_actor(HOSTILE);
    let plain =
        admin.enqueue_raw(HOSTILE, serde_json::json!({ HOSTILE: HOSTILE })).queue("greetings");
    assert!(matches!(plain.await.unwrap(), simple_queue::Inserted::Done(_)));
    for at in 0..60 {
        Greet::new(format!("{HOSTILE} {at}"), "secret".to_owned())
            .enqueue(&place.queue)
            .await
            .unwrap();
    }
    let tagged = place.one(JobFilter::live().kind(HOSTILE)).await.id;
    assert_eq!(admin.edit(tagged).tags([HOSTILE]).await.unwrap(), simple_queue::Acted::Done);
    let paused = admin.pause("crawls").because(HOSTILE).await.unwrap();
    assert!(!paused.was_paused, "the page shows this reason");
    Crawl::new(HOSTILE.to_owned()).enqueue(&place.queue).await.unwrap();
    place
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_html_and_json_small_strict_and_escaped() {
    let place = hostile().await;
    let site = place.open();
    let mut seen = String::new();
    for path in pages_of(&place).await {
        let got = site.get(&path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        assert_eq!(got.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(got.header("cache-control"), "no-store");
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        assert_eq!(got.header("referrer-policy"), "same-origin");
        assert_eq!(got.header("cross-origin-opener-policy"), "same-origin");
        let policy = got.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'")
                && policy.contains("require-trusted-types-for")
        );
        assert!(!policy.contains("unsafe"));
        assert!(got.body.len() <= 60_000, "{path} has {} bytes", got.body.len());
        for forbidden in ["<img", " style=", "<script>", "onclick", "//www.", "https://", "http://"]
        {
            assert!(!got.body.contains(forbidden), "{path} has {forbidden}: {}", got.body);
        }
        assert!(got.body.contains("<h1>") && got.body.contains("</html>"), "{path}");
        seen += &got.body;
        site.json(&path).await;
    }
    assert!(seen.contains("&lt;img src=x onerror=alert(1)&gt;"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_has_not_changed_is_not_sent_again() {
    let place = Place::new().await;
    place.work(&["ann"]).await;
    let site = place.open();
    let patch = [("accept", "text/vnd.sq-patch")];
    let first = site.send("GET", "/kinds", &patch, "").await;
    assert_eq!(first.status, 200);
    assert!(first.body.starts_with("<main") && !first.body.contains("<head"), "{}", first.body);
    let tag = first.header("etag").to_owned();
    let known = [("accept", "text/vnd.sq-patch"), ("if-none-match", tag.as_str())];
    let again = site.send("GET", "/kinds", &known, "").await;
    assert_eq!((again.status.as_u16(), again.body.as_str()), (304, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_are_small_and_kept_for_ever() {
    let place = Place::new().await;
    let site = place.open();
    let page = site.get("/jobs").await.body;
    for (mark, most) in [("src=\"", 10_800), ("rel=\"stylesheet\" href=\"", 17_000)] {
        let (_, from) = page.split_once(mark).unwrap();
        let path = from.split('"').next().unwrap();
        let got = site.get(path).await;
        assert_eq!(got.status, 200, "{path}");
        assert!(got.header("cache-control").contains("immutable"));
        // Compressed, as a proxy sends them, 4 kB and 6 kB: a third of this.
        assert!(got.body.len() <= most, "{path}: {}", got.body.len());
        assert!(!got.body.contains("http://") && !got.body.contains("https://"), "{path}");
    }
    assert_eq!(site.get("/assets/0000000000000000.js").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_goes_on_where_its_page_ended_and_a_filter_is_kept() {
    let place = Place::new().await;
    for at in 0..120 {
        Greet::new(format!("{at}"), String::new()).enqueue(&place.queue).await.unwrap();
    }
    let site = place.open();
    let (mut ids, mut after) = (std::collections::BTreeSet::new(), String::new());
    for _ in 0..3 {
        let page = site.json(&format!("/jobs?q=queue:greetings&after={after}")).await;
        for job in page["jobs"].as_array().unwrap() {
            assert!(ids.insert(job["id"].to_string()), "twice");
        }
        let Some(next) = page["next"].as_str() else { break };
        next.clone_into(&mut after);
    }
    assert_eq!(ids.len(), 120);
    let page = site.get("/jobs?q=queue:greetings").await.body;
    assert!(page.contains("q=state%3Adead+queue%3Agreetings"), "the rail keeps the filter: {page}");
    assert!(page.contains("name=\"q\" value=\"queue:greetings\""), "so do acts: {page}");
    let wrong = site.get("/jobs?q=colour:red").await;
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.body.contains("colour") && wrong.body.contains("role=\"alert\""),
        "{}",
        wrong.body
    );
    for path in ["/nothing", "/jobs/x", "/queues/nothing", "/kinds/nothing", "/limits/nothing"] {
        assert_eq!(site.get(path).await.status, 404, "{path}");
    }
    let id = uuid::Uuid::now_v7();
    assert_eq!(site.get(&format!("/jobs/{id}")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_nests_in_a_router_with_every_link_below_its_path() {
    let place = Place::new().await;
    let dashboard =
        simple_queue_dashboard::Dashboard::new(place.queue.clone()).at("/admin/queue").open();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().nest_service("/admin/queue", dashboard);
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    for path in ["/admin/queue", "/admin/queue/", "/admin/queue/queues"] {
        let answer = ask(address, path).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        for link in answer.split("href=\"").skip(1).chain(answer.split("src=\"").skip(1)) {
            let link = link.split('"').next().unwrap();
            assert!(
                link.starts_with("/admin/queue/")
                    || link.starts_with("data:")
                    || link.starts_with('#'),
                "{path} leads to {link}"
            );
        }
    }
    serving.abort();
}

async fn ask(address: std::net::SocketAddr, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn running_jobs_behind_a_long_backlog_are_counted() {
    let place = Place::new().await;
    Endless::new().enqueue(&place.queue).await.unwrap();
    let worker = place.queue.start().await;
    test_support::eventually("it runs", async || place.count(JobFilter::running()).await == 1)
        .await;
    let site = place.open();
    let counts = async || site.json("/jobs").await["counts"].clone();
    test_support::eventually("it is counted", async || counts().await["running"]["count"] == 1)
        .await;
    let later = (0..6000).map(|at| Greet::new(at.to_string(), String::new()));
    let later = later.map(|job| job.delay(std::time::Duration::from_hours(1)));
    Greet::enqueue_all(later, &place.queue).await.unwrap();
    test_support::eventually("the worker tells of it", async || {
        let counts = counts().await;
        counts["later"]["count"].as_u64() > Some(5000) && counts["running"]["count"] == 1
    })
    .await;
    worker.shutdown(std::time::Duration::ZERO).await;
}
