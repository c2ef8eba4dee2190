use simple_queue::prelude::*;

#[job]
async fn send(#[job(rename = "name")] user_id: i64, name: String) {
    let _ = (user_id, name);
}

fn main() {
    let _ = Send::new(7, "a");
}
