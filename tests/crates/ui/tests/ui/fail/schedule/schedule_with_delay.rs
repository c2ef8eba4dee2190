use simple_queue::prelude::*;

#[job(every = "15m", delay = "5m")]
async fn tidy() {}

fn main() {}
