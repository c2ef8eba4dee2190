use simple_queue::prelude::*;

#[job]
async fn send(name: Option<&str>) {
    let _ = name;
}

fn main() {
    let _ = Send::new(Some("a"));
}
