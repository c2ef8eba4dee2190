use simple_queue::prelude::*;

#[derive(Job)]
struct Send {
    user_id: i64,
}

#[handler]
async fn send(job: Send) -> Option<i64> {
    Some(job.user_id)
}

fn main() {
    let _ = |queue: SimpleQueue| queue.register(jobs![SendHandler], ()).is_ok();
}
