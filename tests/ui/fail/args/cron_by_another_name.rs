use simple_queue::prelude::*;

#[job(every = "1h")]
async fn tidy() {}

fn main() {}
