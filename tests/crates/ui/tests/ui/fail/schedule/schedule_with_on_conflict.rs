use simple_queue::prelude::*;

#[job(every = "15m", unique(on_conflict = "replace"))]
async fn tidy() {}

fn main() {}
