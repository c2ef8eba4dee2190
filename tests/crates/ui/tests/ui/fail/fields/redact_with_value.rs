use simple_queue::prelude::*;

#[job(derive(Debug))]
async fn send(#[job(redact = true)] user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
