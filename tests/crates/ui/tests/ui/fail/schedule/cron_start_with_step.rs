use simple_queue::prelude::*;

#[job(cron = "5/15 * * * *")]
async fn tidy() {}

fn main() {}
