use simple_queue::prelude::*;

#[job(cron = 5)]
async fn tidy() {}

fn main() {}
