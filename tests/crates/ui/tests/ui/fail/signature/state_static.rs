use simple_queue::prelude::*;

struct Mailer;

#[job]
async fn send(mailer: &'static Mailer, user_id: i64) {
    let _ = (mailer, user_id);
}

fn main() {
    drop((Mailer, Send::new(7)));
}
