use simple_queue::prelude::*;

#[job(cron = "60 9 * * *")]
async fn tidy() {}

fn main() {}
