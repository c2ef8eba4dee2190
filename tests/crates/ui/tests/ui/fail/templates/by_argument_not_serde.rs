use simple_queue::prelude::*;

struct User;

#[job(unique(by = [user]))]
async fn send(user: User) {
    let _ = user;
}

fn main() {
    let _ = Send::new(User);
}
