use simple_queue::prelude::*;

#[job(every = "15m", args(region = "eu"))]
async fn poll(region: String, count: i64) {
    let _ = (region, count);
}

fn main() {}
