use simple_queue::prelude::*;

struct Mailer;

struct App {
    mailer: Mailer,
}

#[job]
async fn send(mailer: &Mailer, user_id: i64) {
    let _ = (mailer, user_id);
}

fn main() {
    let _ = |queue: SimpleQueue| queue.register(jobs![Send], App { mailer: Mailer }).is_ok();
}
