use simple_queue::prelude::*;

#[job]
async fn send(_: i64) {}

fn main() {
    let _ = Send::new(7);
}
