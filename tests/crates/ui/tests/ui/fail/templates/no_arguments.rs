use simple_queue::prelude::*;

#[job(unique = "user:{user_id}")]
async fn send() {}

fn main() {
    let _ = Send::new();
}
