use simple_queue::prelude::*;

#[job(cron = "0 9 * * *", every = "1h")]
async fn tidy() {}

fn main() {}
