use simple_queue::prelude::*;

use std::cell::Cell;

#[job]
async fn send(count: &Cell<i64>, user_id: i64) {
    count.set(user_id);
}

fn main() {
    let _ = Send::new(7);
}
