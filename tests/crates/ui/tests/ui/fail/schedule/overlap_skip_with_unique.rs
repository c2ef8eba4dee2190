use simple_queue::prelude::*;

#[job(every = "15m", overlap = "skip", unique)]
async fn tidy() {}

fn main() {}
