use simple_queue::prelude::*;

#[job(every = "15m", args(count = "three"))]
async fn poll(count: i64) {
    let _ = count;
}

fn main() {}
