use simple_queue::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct UserId(i64);

#[job]
async fn send(#[job(default)] user_id: UserId) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(UserId(7));
}
