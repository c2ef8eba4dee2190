use simple_queue::prelude::*;

#[job(cron = "0 9 31 2 *")]
async fn tidy() {}

fn main() {}
