use simple_queue::prelude::*;

#[job(schedule = "0 3 * * *")]
async fn tidy() {}

fn main() {}
