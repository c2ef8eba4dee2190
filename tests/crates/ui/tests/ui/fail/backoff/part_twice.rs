use simple_queue::prelude::*;

#[job(backoff = exponential(base = "2s", base = "3s"))]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
