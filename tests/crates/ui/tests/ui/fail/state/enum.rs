use simple_queue::prelude::*;

#[derive(JobState)]
enum App {}

fn main() {}
