use simple_queue::prelude::*;

#[job]
pub const ANSWER: i64 = 42;

fn main() {
}
