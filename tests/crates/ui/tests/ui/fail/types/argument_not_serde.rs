use simple_queue::prelude::*;

struct User;

#[job]
async fn send(user: User, user_id: i64) {
    drop((user, user_id));
}

fn main() {
    let _ = |queue: SimpleQueue| drop(Send::new(User, 7).enqueue(&queue));
}
