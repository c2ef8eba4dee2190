use simple_queue::prelude::*;

struct Failed;

#[job]
async fn send(user_id: i64) -> Result<i64, Failed> {
    Err(Failed).or(Ok::<_, Failed>(user_id))
}

fn main() {
    let _ = Send::new(7);
}
