#![deny(unused_must_use)]

use simple_queue::prelude::*;

#[job]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    Send::new(7);
}
