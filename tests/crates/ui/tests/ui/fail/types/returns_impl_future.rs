use simple_queue::prelude::*;

#[job]
async fn send(user_id: i64) -> impl Future<Output = ()> {
    std::future::ready(drop(user_id))
}

fn main() {
    let _ = Send::new(7);
}
