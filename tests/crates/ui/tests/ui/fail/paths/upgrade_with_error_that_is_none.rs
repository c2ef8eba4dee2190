use simple_queue::prelude::*;

fn upgrade(_: i32, stored: serde_json::Value) -> Result<serde_json::Value, u8> {
    Ok(stored)
}

#[job(version = 2, upgrade = upgrade)]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
