use simple_queue::prelude::*;

#[job]
async fn send(#[job(default)] user: User) {
    let _ = user;
}

fn main() {
    let _ = Send::new(7);
}
