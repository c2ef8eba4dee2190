use simple_queue::prelude::*;

#[derive(JobState)]
struct App {
    #[state(skipped)]
    first: String,
}

fn main() {}
