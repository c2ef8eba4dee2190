use simple_queue::prelude::*;

#[derive(Job)]
struct Send {
    user_id: i64,
}

fn main() {
    let _ = Send::new("7");
}
