use simple_queue::prelude::*;

#[job]
async fn send(user_id: impl Into<i64>) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
