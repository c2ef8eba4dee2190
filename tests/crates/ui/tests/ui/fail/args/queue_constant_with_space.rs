use simple_queue::prelude::*;

const EMAILS: &str = "my queue";

#[job(queue = EMAILS)]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
