use simple_queue::prelude::*;

#[job]
async fn send(user_id: i64, text: String) {
    let _ = (user_id, text);
}

#[simple_queue::test(jobs![Send])]
async fn sending(queue: simple_queue::testing::TestQueue) {
    let _ = queue;
}

fn main() {
    let _ = Send::new(7, "");
}
