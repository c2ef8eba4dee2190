use simple_queue::prelude::*;

struct Mailer;

#[job]
async fn send(mailer: Option<&Mailer>, user_id: i64) {
    let _ = (mailer, user_id);
}

fn main() {}
