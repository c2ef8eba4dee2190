use simple_queue::{prelude::*, testing::*};

#[job]
async fn send(user_id: i64, text: String) {
    let _ = (user_id, text);
}

async fn test(queue: &TestQueue) {
    assert_enqueued!(queue, Send { user: 7, .. });
}

fn main() {
    let _ = test;
}
