use simple_queue::prelude::*;

#[job(rate(limit = 1000, window = "day"))]
async fn call() {}

fn main() {}
