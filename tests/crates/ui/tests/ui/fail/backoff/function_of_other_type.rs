use simple_queue::prelude::*;

fn my_delay(attempt: i64) -> i64 {
    attempt
}

#[job(backoff = my_delay)]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
