use simple_queue::prelude::*;

#[job(cron = "0 9 * * *", tz = "Europe/Berln")]
async fn tidy() {}

fn main() {}
