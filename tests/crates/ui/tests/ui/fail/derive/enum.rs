use simple_queue::prelude::*;

#[derive(Job)]
#[job(queue = "emails")]
enum Send {
    One,
}

fn main() {
    let _ = Send::One.priority(7);
}
