use simple_queue::prelude::*;

#[job]
async fn send(tx: JobTx, user_id: i64) {
    let _ = (tx, user_id);
}

fn main() {
    let _ = Send::new(7);
}
