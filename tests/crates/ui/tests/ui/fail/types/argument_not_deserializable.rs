use simple_queue::prelude::*;

use serde::Serialize;

#[derive(Serialize)]
struct User;

#[job(unique)]
async fn send(user: User) {
    drop(user);
}

fn main() {
    let _ = Send::new(User);
}
