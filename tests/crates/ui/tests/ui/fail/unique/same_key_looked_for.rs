use simple_queue::prelude::*;

#[job(unique = "chain")]
async fn chain(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = |queue: SimpleQueue| drop((Chain::find(&queue), Chain::cancel(&queue)));
}
