use simple_queue::prelude::*;

#[job]
async fn send(user_id: i64)
where
    i64: Clone,
{
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
