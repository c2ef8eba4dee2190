use simple_queue::prelude::*;

#[job]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = jobs![Send, Sent];
}
