use simple_queue::prelude::*;

async fn tell(_: Send, _: &JobContext, _: &str) {
    let here = std::rc::Rc::new(7);
    std::future::ready(()).await;
    drop(here);
}

#[job(on_exhausted = tell)]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
