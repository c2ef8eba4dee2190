use simple_queue::prelude::*;

#[job_defaults(retries = 5)]
async fn send() {}

fn main() {}
