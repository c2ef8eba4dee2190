use simple_queue::prelude::*;

#[job]
async fn send(one: &JobContext, two: &JobContext, user_id: i64) {
    let _ = (one, two, user_id);
}

fn main() {
    let _ = Send::new(7);
}
