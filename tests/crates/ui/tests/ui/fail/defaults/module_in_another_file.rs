use simple_queue::prelude::*;

#[job_defaults(retries = 5)]
mod in_another_file;

fn main() {}
