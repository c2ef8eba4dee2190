use simple_queue::prelude::*;

#[derive(Job)]
struct Send {
    user_id: i64,
}

#[handler]
async fn send(job: Send, copies: u8) {
    let _ = (job.user_id, copies);
}

fn main() {
    let _ = |queue: SimpleQueue| queue.register(jobs![SendHandler], ()).is_ok();
}
