use simple_queue::prelude::*;

#[job(every = "1h", tz = "Europe/Berlin")]
async fn tidy() {}

fn main() {}
