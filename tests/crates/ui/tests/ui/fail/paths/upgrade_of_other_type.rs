use simple_queue::prelude::*;

fn upgrade(stored: serde_json::Value) -> serde_json::Value {
    stored
}

#[job(version = 2, upgrade = upgrade)]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
