use simple_queue::prelude::*;

struct Failed;

#[job]
async fn send(user_id: i64) -> Result<(), Failed> {
    if user_id > 0 { Ok(()) } else { Err(Failed) }
}

fn main() {
    let _ = Send::new(7);
}
