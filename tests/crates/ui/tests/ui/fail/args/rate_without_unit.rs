use simple_queue::prelude::*;

#[job(rate(limit = 100, per = "1"))]
async fn charge() {}

fn main() {}
