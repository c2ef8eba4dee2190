use simple_queue::prelude::*;

#[job]
async fn send(name: &str) {
    let _ = name;
}

fn main() {
    let _ = Send::new("a");
}
