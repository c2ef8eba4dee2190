use simple_queue::prelude::*;

#[derive(Default)]
struct User;

#[job]
async fn send(#[job(default)] user: User) {
    let _ = user;
}

fn main() {
    let _ = Send::new(User);
}
