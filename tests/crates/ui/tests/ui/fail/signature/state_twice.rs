use simple_queue::prelude::*;

struct Mailer;

#[job]
async fn send(one: &Mailer, two: &Mailer, user_id: i64) {
    let _ = (one, two, user_id);
}

fn main() {
    drop((Mailer, Send::new(7)));
}
