use simple_queue::prelude::*;

#[job(on_conflict = "replace")]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
