use simple_queue::prelude::*;

struct User;

#[derive(Job)]
#[job(queue = "emails")]
struct Send {
    user: User,
}

fn main() {
    let _ = Send { user: User }.priority(7);
}
