//! The dashboard in Chromium: every page in both colour schemes and on a phone, and what is done through it with and
//! without JavaScript.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use simple_queue::{JobFilter, embedded::EmbeddedPostgres, prelude::*};
use simple_queue_dashboard::Dashboard;
use test_support::{Case, Program, case};
use tokio::{net::TcpListener, process::Command};

/// Debian's Chromium, or the one that `SIMPLE_QUEUE_CHROMIUM` names.
const CHROMIUM: &Program = &Program::new("chromium", "apt-get install chromium", || {
    let named = std::env::var_os("SIMPLE_QUEUE_CHROMIUM").map(PathBuf::from);
    named.or_else(|| Some("/usr/bin/chromium".into())).filter(|path| path.exists())
});

const NODE: &Program = &Program::new("node", "apt-get install nodejs", || {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join("node")).find(|it| it.is_file())
});

/// Drives the browser, and looks for what keeps people out.
const PLAYWRIGHT: &Program =
    &Program::new("playwright-core", "npm ci --prefix tests/browser", || {
        let modules = here().join("node_modules");
        let are_there = ["playwright-core", "axe-core"].iter().all(|it| modules.join(it).exists());
        are_there.then_some(modules)
    });

const NEEDED: &[&Program] = &[CHROMIUM, NODE, PLAYWRIGHT];

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

/// Greets a person. A name that begins with `!` has no mailbox.
#[job(queue = "greetings", retries = 0, tags("mail"))]
async fn greet(name: String, #[job(redact)] token: String) -> Result<String, BoxDynError> {
    if name.starts_with('!') {
        return Err(format!("{name} has no mailbox, {}", token.len()).into());
    }
    Ok(name)
}

/// Reads a site, one page at a time.
#[job(queue = "crawls", concurrency(limit = 1, key = "{site}"))]
async fn crawl(site: String) {
    drop(site);
}

/// What happens each night.
#[job(queue = "nights", cron = "0 3 * * *")]
async fn nightly() {}

/// Runs until it is cancelled.
#[job(queue = "endless")]
async fn endless(context: &JobContext) {
    context.progress(0.5);
    context.note("half of it is done");
    context.cancelled().await;
}

/// Jobs of every state, with long names among them.
async fn seed(queue: &SimpleQueue) {
    let greet = |name: &str| Greet::new(name.to_owned(), "secret".to_owned());
    let names = ["ann", "!ben", "!cleo", "!dora", "!emil"];
    Greet::enqueue_all(names.map(greet), queue).await.unwrap();
    test_support::eventually("the first jobs have ended", async || {
        queue.admin().count(&JobFilter::live()).await.unwrap().counted() == 0
    })
    .await;
    Endless::new().enqueue(queue).await.unwrap();
    let long = format!("{}@example.com", "a-very-long-name.".repeat(20));
    greet(&long).delay(Duration::from_hours(5)).enqueue(queue).await.unwrap();
    for at in 0..20 {
        greet(&format!("later {at}")).delay(Duration::from_hours(2)).enqueue(queue).await.unwrap();
    }
    let admin = queue.admin().as_actor("ann@example.com");
    assert!(admin.pause("crawls").because("the provider is down").await.unwrap().is_known());
    for _ in 0..3 {
        Crawl::new("a.test".to_owned()).enqueue(queue).await.unwrap();
    }
}

async fn every_page_and_act_works_in_a_browser() {
    let server = EmbeddedPostgres::start().await.unwrap();
    let queue = SimpleQueue::connect(server.url()).await.unwrap();
    queue.migrate().await.unwrap();
    queue.register(jobs![Greet, Crawl, Nightly, Endless], ()).unwrap();
    let worker = queue.start().await;
    seed(&queue).await;

    let dashboard = Dashboard::new(queue.clone())
        .at("/admin/queue")
        .open()
        .name("test")
        .refresh(Duration::from_secs(1));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = axum::Router::new().nest_service("/admin/queue", dashboard);
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let screenshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
    let ran = Command::new(NODE.path())
        .arg(here().join("run.mjs"))
        .env("BASE", format!("http://{address}/admin/queue"))
        .env("CHROMIUM", CHROMIUM.path())
        .env("SCREENSHOTS", screenshots)
        .status();
    assert!(ran.await.unwrap().success(), "what the browser found is above");

    // What the flows did is in the tables.
    let count = async |filter: JobFilter| queue.admin().count(&filter).await.unwrap().counted();
    assert_eq!(count(JobFilter::running().kind("endless")).await, 0, "it was cancelled");
    assert_eq!(count(JobFilter::live().kind("greet").args("name", "edited")).await, 1);
    assert_eq!(count(JobFilter::any().kind("greet").args("name", "by hand")).await, 2);
    let pauses = queue.pauses().await.unwrap();
    let queues: Vec<_> = pauses.iter().map(|pause| pause.queue.as_str()).collect();
    assert_eq!(queues, ["crawls", "greetings"]);
    let acts = queue.admin().acts(None, 100).await.unwrap();
    for action in ["retry", "edit", "pause", "enqueue", "cancel", "delete"] {
        assert!(acts.iter().any(|act| act.action == action), "{action} is written down: {acts:?}");
    }
    serving.abort();
    worker.shutdown(Duration::from_secs(5)).await;
    server.stop().await.unwrap();
}

fn main() -> ExitCode {
    let cases: Vec<Case> = vec![case!(every_page_and_act_works_in_a_browser).needs(NEEDED)];
    test_support::main(cases, Vec::new())
}
