use simple_queue::prelude::*;

#[job(every = "15m", misfire = "catchup")]
async fn tidy() {}

fn main() {}
