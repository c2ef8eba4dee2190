//! A database with jobs of every state, and the dashboard on it.

use std::{sync::OnceLock, time::Duration};

use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use simple_queue::{JobFilter, embedded::EmbeddedPostgres, prelude::*};
use simple_queue_dashboard::Dashboard;
use tower_service::Service;

/// What would run if it was not escaped.
pub(crate) const HOSTILE: &str = "<img src=x onerror=alert(1)>";

/// Greets a person. A name that begins with `!` has no mailbox.
#[job(queue = "greetings", retries = 0, tags("mail"))]
pub(crate) async fn greet(
    name: String,
    #[job(redact)] token: String,
) -> Result<String, BoxDynError> {
    if name.starts_with('!') {
        return Err(format!("`{name}` has no mailbox, {}", token.len()).into());
    }
    Ok(name)
}

/// Reads a site, one page at a time.
#[job(queue = "crawls", concurrency(limit = 1, key = "{site}"))]
pub(crate) async fn crawl(site: String) {
    drop(site);
}

/// A step of an order. There are no orders below 0.
#[job(queue = "orders", retries = 0, order(key = "{order_id}"))]
pub(crate) async fn step(order_id: i64) -> Result<(), BoxDynError> {
    if order_id < 0 { Err("no such order".into()) } else { Ok(()) }
}

/// What happens each night.
#[job(queue = "nights", cron = "0 3 * * *")]
pub(crate) async fn nightly() {}

/// Runs until it is cancelled.
#[job(queue = "endless")]
pub(crate) async fn endless(context: &JobContext) {
    context.progress(0.5);
    context.cancelled().await;
}

/// A database, and the queue in it.
pub(crate) struct Place {
    pub(crate) server: EmbeddedPostgres,
    pub(crate) queue: SimpleQueue,
}

impl Place {
    /// With what workers declare, and without jobs.
    pub(crate) async fn new() -> Self {
        let server = EmbeddedPostgres::start().await.unwrap();
        let queue = SimpleQueue::connect(server.url()).await.unwrap();
        queue.migrate().await.unwrap();
        queue.register(jobs![Greet, Crawl, Step, Nightly, Endless], ()).unwrap();
        Self { server, queue }
    }

    /// Runs these jobs, and a page of a site, to their ends.
    pub(crate) async fn work(&self, names: &[&str]) {
        let jobs = names.iter().map(|name| Greet::new((*name).to_owned(), "secret".to_owned()));
        Greet::enqueue_all(jobs, &self.queue).await.unwrap();
        Crawl::new("a.test/#1".to_owned()).enqueue(&self.queue).await.unwrap();
        Step::new(7).enqueue(&self.queue).await.unwrap();
        let worker = self.queue.start().await;
        test_support::eventually("all jobs have ended", async || {
            self.count(JobFilter::live()).await == 0
                && !self.queue.kinds().await.unwrap().is_empty()
        })
        .await;
        worker.shutdown(Duration::from_secs(5)).await;
    }

    pub(crate) async fn count(&self, filter: JobFilter) -> u64 {
        self.queue.admin().count(&filter).await.unwrap().counted()
    }

    /// The only job of a filter.
    pub(crate) async fn one(&self, filter: JobFilter) -> simple_queue::JobRow {
        let mut jobs = self.queue.admin().find(&filter).await.unwrap().jobs;
        assert_eq!(jobs.len(), 1, "{filter}");
        jobs.pop().unwrap()
    }

    /// The dashboard, open to all.
    pub(crate) fn open(&self) -> Site {
        Site(Dashboard::new(self.queue.clone()).open())
    }
}

/// A dashboard that is asked without a network.
pub(crate) struct Site(pub(crate) Dashboard);

/// An answer.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

/// A request as a browser sends it from a page of the dashboard.
fn own() -> &'static [(&'static str, &'static str)] {
    static OWN: OnceLock<Vec<(&str, &str)>> = OnceLock::new();
    OWN.get_or_init(|| vec![("host", "queue.test"), ("sec-fetch-site", "same-origin")])
}

impl Site {
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Got {
        let request = headers
            .iter()
            .fold(Request::builder().method(method).uri(path), |request, (name, value)| {
                request.header(*name, *value)
            });
        let request = request.body(Full::new(body.to_owned().into_bytes().into())).unwrap();
        let request: Request<Full<axum::body::Bytes>> = request;
        let response = self.0.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Got { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send("GET", path, own(), "").await
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let headers = [("host", "queue.test"), ("accept", "application/json")];
        let got = self.send("GET", path, &headers, "").await;
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        assert_eq!(got.header("content-type"), "application/json");
        serde_json::from_str(&got.body).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Got {
        self.send("POST", path, own(), &form(fields)).await
    }

    /// Sends a form, and returns where it leads to.
    pub(crate) async fn act(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let got = self.post(path, fields).await;
        assert_eq!(got.status, 303, "{path} {fields:?}: {}", got.body);
        got.header("location").to_owned()
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let written = |text: &str| {
        let bytes = text.bytes().map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        });
        bytes.collect::<String>()
    };
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", written(name), written(value)));
    pairs.collect::<Vec<_>>().join("&")
}
