use simple_queue::prelude::*;

#[job(fingerprint = "user:{user}")]
async fn send(user: Vec<u8>) {
    let _ = user;
}

fn main() {
    let _ = Send::new(vec![7]);
}
