use simple_queue::prelude::*;

#[job]
async fn send(#[job(default)] mailer: &String) {
    let _ = mailer;
}

fn main() {
    let _ = Send::new();
}
