use simple_queue::prelude::*;

#[job(derive(Clone))]
async fn send(#[job(redact)] user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
