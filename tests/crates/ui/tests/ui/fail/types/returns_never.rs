use simple_queue::prelude::*;

#[job]
async fn send(user_id: i64) -> ! {
    std::future::pending::<()>().await;
    panic!("{user_id}")
}

fn main() {
    let _ = Send::new(7);
}
