use std::time::Instant;

use simple_queue::prelude::*;

#[job]
async fn send(since: Instant) {
    let _ = since;
}

fn main() {}
