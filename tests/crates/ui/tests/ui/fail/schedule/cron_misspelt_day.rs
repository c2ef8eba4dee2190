use simple_queue::prelude::*;

#[job(cron = "0 9 * * mun")]
async fn tidy() {}

fn main() {}
