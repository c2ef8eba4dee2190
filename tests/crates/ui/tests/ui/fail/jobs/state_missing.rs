use simple_queue::prelude::*;

struct Mailer;

#[derive(JobState)]
struct App;

#[job]
async fn send(mailer: &Mailer, user_id: i64) {
    let _ = (mailer, user_id);
}

fn main() {
    let _ = |queue: SimpleQueue| queue.register(jobs![Send], App).is_ok();
}
