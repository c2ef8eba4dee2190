use simple_queue::prelude::*;

#[job(every = "15m", misfire = "backfill", overlap = "skip")]
async fn tidy() {}

fn main() {}
