use simple_queue::prelude::*;

#[job]
async fn send(tx: &mut JobTx, more: &mut JobTx, user_id: i64) {
    let _ = (tx, more, user_id);
}

fn main() {
    let _ = Send::new(7);
}
