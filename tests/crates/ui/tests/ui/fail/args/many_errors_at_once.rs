use simple_queue::prelude::*;

#[job(retry = 5, queue = "A", timeout = "1", cron = "*")]
fn send(name: &str) {
    let _ = name;
}

fn main() {
    let _ = Send::new("a");
}
