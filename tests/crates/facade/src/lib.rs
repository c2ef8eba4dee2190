//! Generated code in a crate that has the library only through another one.
#![cfg(test)]

use renamed::simple_queue::prelude::*;

struct Mailer;

#[derive(JobState)]
#[state(crate = renamed::simple_queue)]
struct App {
    mailer: Mailer,
}

#[job(crate = renamed::simple_queue, unique = "{user_id}")]
async fn send(mailer: &Mailer, user_id: i64, #[job(default)] text: String) {
    std::future::ready((mailer, user_id, text)).await;
}

#[derive(Job)]
#[job(crate = "renamed::simple_queue", fingerprint = "{days}")]
struct Tidy {
    days: u8,
}

#[handler(crate = renamed::simple_queue)]
async fn tidy(job: Tidy) {
    std::future::ready(job.days).await;
}

#[test]
fn compiles() {
    let register = |queue: SimpleQueue, app: App| {
        queue.register(jobs![crate = renamed::simple_queue, Send, TidyHandler], app).is_ok()
    };
    drop(Box::new((register, App { mailer: Mailer }.mailer)));
    assert_eq!((Send::new(7, "a").user_id, Tidy { days: 7 }.days), (7, 7));
}
