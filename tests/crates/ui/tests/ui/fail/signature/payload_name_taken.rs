use simple_queue::prelude::*;

struct Send;

#[job]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    drop((Send, send(7)));
}
