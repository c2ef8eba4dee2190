use simple_queue::prelude::*;

static RULES: &str = "none";

#[job(strategy = RULES)]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
