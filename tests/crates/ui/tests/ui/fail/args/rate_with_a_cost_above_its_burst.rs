use simple_queue::prelude::*;

#[job(rate(limit = 100, per = "1s", burst = 10, cost = 11))]
async fn complete() {}

fn main() {}
