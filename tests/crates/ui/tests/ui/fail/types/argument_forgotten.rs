use simple_queue::prelude::*;

#[job(queue = "emails", retries = 5)]
async fn send(user_id: i64, text: String) {
    let _ = (user_id, text);
}

fn main() {
    let _ = Send::new(7);
}
