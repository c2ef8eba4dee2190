use simple_queue::prelude::*;

use std::rc::Rc;

#[job]
async fn send(user_id: i64) {
    let user_id = Rc::new(user_id);
    std::future::ready(()).await;
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
