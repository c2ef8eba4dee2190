use simple_queue::prelude::*;

#[job(every = "500ms")]
async fn tidy() {}

fn main() {}
