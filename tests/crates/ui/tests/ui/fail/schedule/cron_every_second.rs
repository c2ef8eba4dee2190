use simple_queue::prelude::*;

#[job(cron = "* * * * * *")]
async fn tidy() {}

fn main() {}
