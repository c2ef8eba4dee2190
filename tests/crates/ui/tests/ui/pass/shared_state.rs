//! What can be the state of jobs.

use std::sync::Arc;

use simple_queue::prelude::*;

struct Mailer;

#[derive(JobState)]
struct App<T> {
    mailer: Mailer,
    clock: Option<T>,
}

#[job]
async fn send(mailer: &Mailer, user_id: i64) {
    let _ = (mailer, user_id);
}

#[job]
async fn maybe(clock: &Option<u8>) {
    let _ = clock;
}

#[job]
async fn count(pool: &sqlx::PgPool) {
    let _ = pool;
}

#[derive(Job)]
struct Declared {
    name: String,
}

#[handler]
async fn declared(mailer: &Mailer, job: Declared) {
    let _ = (mailer, job.name);
}

#[job]
async fn nothing() {}

#[test]
fn is_accepted() {
    let _ = |queue: SimpleQueue, app: Arc<App<u8>>, pool: sqlx::PgPool| {
        queue.register(jobs![Send, DeclaredHandler, Maybe], Arc::clone(&app)).is_ok()
            && queue.register(jobs![Send], App { mailer: Mailer, clock: Some(7_u32) }).is_ok()
            && queue.register(jobs![Send], Arc::new(Mailer)).is_ok()
            && queue.register(jobs![Count], pool).is_ok()
            && queue.register(jobs![Nothing], ()).is_ok()
            && queue.register(jobs![Nothing], Arc::new(7)).is_ok()
    };
    assert_eq!(Declared::new("a").name, "a");
}
