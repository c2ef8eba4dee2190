use simple_queue::prelude::*;

#[derive(Job)]
#[job(queue = "emails")]
struct Send<'a> {
    user: &'a str,
}

fn main() {
    let _ = Send { user: "a" };
}
