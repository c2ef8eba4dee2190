use simple_queue::prelude::*;

#[derive(Job)]
#[job(queue = "emails")]
struct Send {
    user: &'static str,
}

fn main() {
    let _ = Send { user: "a" }.priority(7);
}
