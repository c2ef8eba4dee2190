use simple_queue::prelude::*;

#[job]
async fn send(user_id: UserId) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
