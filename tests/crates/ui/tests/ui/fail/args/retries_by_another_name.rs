use simple_queue::prelude::*;

#[job(max_retries = 5)]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {}
