use simple_queue::prelude::*;

#[job]
async fn send(user_id: i64) -> Result<i64, String> {
    Ok(user_id)
}

fn main() {
    let _ = Send::new(7);
}
