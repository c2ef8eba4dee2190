use simple_queue::prelude::*;

async fn tell(_: String, _: &JobContext, _: &str) {}

#[job(on_exhausted = tell)]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
