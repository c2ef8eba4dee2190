use simple_queue::prelude::*;

#[job(rate(limit = 100, per = "1s", burst = 100))]
async fn charge() {}

fn main() {}
