use simple_queue::prelude::*;

#[job]
async fn send(#[cfg_attr(all(), job(default))] user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
