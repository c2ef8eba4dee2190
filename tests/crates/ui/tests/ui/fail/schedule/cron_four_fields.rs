use simple_queue::prelude::*;

#[job(cron = "0 9 * *")]
async fn tidy() {}

fn main() {}
