use simple_queue::prelude::*;

#[job(version = 2)]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
