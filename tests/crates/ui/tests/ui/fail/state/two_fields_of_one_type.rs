use simple_queue::prelude::*;

#[derive(JobState)]
struct App {
    first: String,
    second: String,
}

fn main() {}
