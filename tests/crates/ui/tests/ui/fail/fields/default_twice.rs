use simple_queue::prelude::*;

#[job]
async fn send(#[job(default, default = 7)] user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
