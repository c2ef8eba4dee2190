use simple_queue::prelude::*;

fn my_delay(_attempt: i32) -> std::time::Duration {
    std::time::Duration::ZERO
}

#[job(backoff = my_delay())]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
