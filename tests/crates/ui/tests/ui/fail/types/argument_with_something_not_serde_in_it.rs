use simple_queue::prelude::*;

struct User;

#[job]
async fn send(users: Vec<User>) {
    let _ = users;
}

fn main() {}
