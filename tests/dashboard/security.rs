//! Who is let in, and what is taken from whom.

use simple_queue::{JobFilter, Right, Rights};
use simple_queue_dashboard::{Admit, Dashboard};

use crate::place::{Greet, Place, Site};

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_it_before_it_is_said_who_may() {
    let place = Place::new().await;
    let closed = Site(Dashboard::new(place.queue.clone()));
    for path in ["/", "/jobs", "/queues", "/doctor", "/nothing"] {
        let got = closed.get(path).await;
        assert_eq!(got.status, 403, "{path}");
        assert!(got.body.contains(".gate(") && got.body.contains(".open()"), "{}", got.body);
    }
    assert_eq!(closed.post("/queues/a/pause", &[]).await.status, 403);

    let dashboard = Dashboard::new(place.queue.clone()).gate(async |request| {
        match request.headers.get("x-user").map(|user| user.to_str().unwrap_or_default()) {
            Some("ann") => Admit::visitor("ann", Rights::ALL),
            Some("eve") => Admit::refused(),
            Some("nil") => Admit::visitor("nil", Rights::NONE),
            _ => Admit::login("/login?to=queue"),
        }
    });
    let site = Site(dashboard);
    let status = async |user| site.send("GET", "/jobs", &[("x-user", user)], "").await.status;
    assert_eq!(
        (status("ann").await, status("eve").await),
        (200.try_into().unwrap(), 403.try_into().unwrap())
    );
    assert_eq!(status("nil").await, 403);
    let unknown = site.get("/jobs").await;
    assert_eq!((unknown.status.as_u16(), unknown.header("location")), (303, "/login?to=queue"));
    let program = site.send("GET", "/jobs", &[("accept", "application/json")], "").await;
    assert_eq!(program.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_taken_only_from_its_own_pages_and_only_as_one() {
    let place = Place::new().await;
    let site = place.open();
    let host = ("host", "queue.test");
    let pause = "/queues/greetings/pause";
    for other in [
        &[host, ("sec-fetch-site", "cross-site")][..],
        &[host, ("sec-fetch-site", "same-site"), ("origin", "http://queue.test")],
        &[host, ("origin", "http://evil.test")],
        &[host, ("origin", "null")],
        &[host],
    ] {
        assert_eq!(site.send("POST", pause, other, "").await.status, 403, "{other:?}");
    }
    assert!(place.queue.pauses().await.unwrap().is_empty());
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let got = site.send(method, pause, &[host, ("sec-fetch-site", "same-origin")], "").await;
        assert_eq!(got.status, 405, "{method}");
    }
    assert_eq!(site.post("/jobs", &[]).await.status, 405);
    // As over plain HTTP on a network of one's own.
    let plain = [host, ("origin", "http://queue.test")];
    assert_eq!(site.send("POST", pause, &plain, "").await.status, 303);
    let pauses = place.queue.pauses().await.unwrap();
    assert_eq!(pauses[0].by.as_deref(), Some("dashboard"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_host_is_not_answered() {
    let place = Place::new().await;
    let site = Site(Dashboard::new(place.queue.clone()).open().hosts(["queue.test"]));
    assert_eq!(site.get("/jobs").await.status, 200);
    for path in ["/jobs", "/queues/a/pause", "/assets/x.js"] {
        let got = site.send("GET", path, &[("host", "evil.test")], "").await;
        assert_eq!(got.status, 421, "{path}");
    }
    // A probe knows an address, and no name.
    let probe = site.send("GET", "/livez", &[("host", "10.0.0.7:8321")], "").await;
    assert_eq!(probe.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_visitor_may_not_do_is_not_shown_and_is_refused() {
    let place = Place::new().await;
    place.work(&["!ben"]).await;
    let dead = place.one(JobFilter::dead()).await.id;
    let helpdesk = Rights::READ_ONLY.and(Right::Retry);
    let gate = move |_| async move { Admit::visitor("help@example.com", helpdesk) };
    let site = Site(Dashboard::new(place.queue.clone()).gate(gate));
    let page = site.get(&format!("/jobs/{dead}")).await.body;
    assert!(page.contains("/retry") && !page.contains("verb=delete"), "{page}");
    assert!(page.contains("help@example.com"));
    let refused = site.post(&format!("/jobs/{dead}/delete"), &[]).await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        site.post("/jobs/act", &[("verb", "delete"), ("all", "1"), ("q", "state:dead")])
            .await
            .status,
        403
    );
    for (path, field) in [
        ("/queues/greetings/pause", ""),
        ("/limits/key%3Acrawls%2Fcrawl/set", "3"),
        ("/schedules/nightly/run-now", ""),
        ("/new", ""),
    ] {
        assert_eq!(site.post(path, &[("value", field)]).await.status, 403, "{path}");
    }
    assert_eq!(place.count(JobFilter::dead()).await, 1);
    site.act(&format!("/jobs/{dead}/retry"), &[]).await;
    assert_eq!(place.count(JobFilter::dead()).await, 0);

    let read_only = Site(Dashboard::new(place.queue.clone()).open().read_only());
    let page = read_only.get("/jobs").await.body;
    assert!(!page.contains("method=\"post\"") && !page.contains("/new"), "{page}");
    assert_eq!(read_only.post(&format!("/jobs/{dead}/cancel"), &[]).await.status, 403);

    let blind = move |_| async move { Admit::visitor("blind", Rights::NONE.and(Right::See)) };
    let blind = Site(Dashboard::new(place.queue.clone()).gate(blind));
    let page = blind.get(&format!("/jobs/{dead}")).await;
    assert!(page.status == 200 && !page.body.contains("!ben"), "{}", page.body);
    for path in ["/dead", "/actions", &format!("/jobs/{dead}/payload")] {
        assert_eq!(blind.get(path).await.status, 403, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_argument_leaves_no_page_of_the_process() {
    let place = Place::new().await;
    Greet::new("ann".to_owned(), "hunter2".to_owned()).enqueue(&place.queue).await.unwrap();
    let id = place.one(JobFilter::live()).await.id;
    let dashboard = Dashboard::new(place.queue.clone()).open().arguments_in_lists(true);
    let site = Site(dashboard.clone());
    for path in ["/jobs".to_owned(), format!("/jobs/{id}"), format!("/jobs/{id}/payload")] {
        let got = site.get(&path).await;
        assert!(got.body.contains("ann") && !got.body.contains("hunter2"), "{path}: {}", got.body);
    }
    assert!(!site.json(&format!("/jobs/{id}")).await.to_string().contains("hunter2"));
    let more = Site(dashboard.redact(|kind, argument| kind == "greet" && argument == "name"));
    assert!(!more.get(&format!("/jobs/{id}")).await.body.contains("ann"));
    assert_eq!(site.get("/jobs?q=args.token:hunter2").await.status, 422);
}
