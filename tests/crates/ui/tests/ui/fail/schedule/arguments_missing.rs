use simple_queue::prelude::*;

#[job(cron = "0 9 * * *")]
async fn poll(region: String, count: i64) {
    let _ = (region, count);
}

fn main() {}
