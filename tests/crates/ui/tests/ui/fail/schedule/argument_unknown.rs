use simple_queue::prelude::*;

#[job(every = "15m", args(area = "eu", region = "eu", count = 3))]
async fn poll(region: String, count: i64) {
    let _ = (region, count);
}

fn main() {}
