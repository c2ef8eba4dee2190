use simple_queue::prelude::*;

#[derive(Job)]
struct Send {
    user_id: i64,
}

#[handler(derive(Debug))]
async fn send(job: Send) {
    let _ = job.user_id;
}

fn main() {
    let _ = |queue: SimpleQueue| queue.register(jobs![SendHandler], ()).is_ok();
}
