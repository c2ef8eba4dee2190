use simple_queue::prelude::*;

#[derive(Job)]
#[job(queue = "emails")]
struct Send<T> {
    user_id: T,
}

fn main() {
    let _ = Send { user_id: 7 };
}
