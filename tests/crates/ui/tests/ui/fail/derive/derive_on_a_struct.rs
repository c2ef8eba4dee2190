use simple_queue::prelude::*;

#[derive(Job)]
#[job(derive(Debug))]
struct Send {
    user_id: i64,
}

fn main() {
    let send = Send { user_id: 7 };
    let _ = |queue: SimpleQueue| drop(send.enqueue(&queue));
}
