use simple_queue::prelude::*;

#[job(unique(by = [user.id]))]
async fn send(user: String) {
    let _ = user;
}

fn main() {
    let _ = Send::new("a");
}
