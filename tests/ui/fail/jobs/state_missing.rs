use simple_queue::prelude::*;

struct Mailer;
struct App;

#[job]
async fn send(mailer: &Mailer, user_id: i64) {
    let _ = (mailer, user_id);
}

fn main() {
    let _ = SimpleQueue::default().register(jobs![Send], App);
}
