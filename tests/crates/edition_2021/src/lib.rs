//! Generated code in a crate of an earlier edition.
#![cfg(test)]

use simple_queue::prelude::*;

struct Mailer;

#[derive(JobState)]
struct App {
    mailer: Mailer,
}

#[job(queue = "emails", retries = 5, unique = "{gen}", timeout = "30s")]
async fn send(mailer: &Mailer, context: &JobContext, gen: i64, name: String) -> Result<(), String> {
    let _ = (mailer, context, name);
    if gen > 0 {
        Ok(())
    } else {
        Err(String::new())
    }
}

fn soon(_attempt: i32) -> std::time::Duration {
    std::time::Duration::from_secs(1)
}

#[job(payload = Numbers, derive(Debug), backoff = soon, unique(by = [gen]), fingerprint = "{gen}")]
async fn count(#[job(default = 7, alias = "old")] gen: i64, #[job(default, redact)] name: String) {
    let _ = (gen, name);
}

async fn enqueue(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
    let names = [String::from("a")];
    let all = Send::enqueue_all(names.iter().map(|name| Send::new(7, name)), queue);
    Send::new(7, "a").enqueue(queue).await?;
    all.await?;
    Ok(())
}

#[test]
fn compiles() {
    let _ = |queue: SimpleQueue, app: App| queue.register(jobs![Send, Numbers], app).is_ok();
    let _ = enqueue;
    let gen = 7; // not a keyword here
    assert_eq!(Send::new(gen, "a").gen, 7);
    assert_eq!(format!("{:?}", Numbers::new(gen, "a")), "Numbers { gen: 7, name: \"…\" }");
}
