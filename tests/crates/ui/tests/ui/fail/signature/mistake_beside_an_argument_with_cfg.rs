use simple_queue::prelude::*;

#[job]
async fn send(#[cfg(all())] user_id: i64, name: &str, #[cfg(any())] other: &str) {
    let _ = (user_id, name);
}

fn main() {
    let _ = Send::new(7, "a");
}
