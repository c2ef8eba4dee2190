use simple_queue::prelude::*;

#[job]
async fn send(context: &mut JobContext, user_id: i64) {
    let _ = (context, user_id);
}

fn main() {
    let _ = Send::new(7);
}
