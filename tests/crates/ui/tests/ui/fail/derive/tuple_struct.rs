use simple_queue::prelude::*;

#[derive(Job)]
#[job(queue = "emails")]
struct Send(i64);

fn main() {
    let _ = Send(7).priority(7);
}
