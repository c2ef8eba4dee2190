use simple_queue::prelude::*;

use std::sync::Arc;

#[derive(JobState)]
struct App {
    first: Arc<String>,
    second: String,
}

fn main() {}
