use simple_queue::prelude::*;

#[derive(JobState)]
union App {
    one: u8,
}

fn main() {}
