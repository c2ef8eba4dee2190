use simple_queue::prelude::*;

#[job(unique = "user:{user_ids}")]
async fn send(user_ids: Vec<i64>) {
    drop(user_ids);
}

fn main() {
    let _ = Send::new(vec![7]);
}
