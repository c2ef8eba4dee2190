use simple_queue::prelude::*;

#[derive(Job)]
struct Send {
    user_id: i64,
}

#[handler]
async fn send(name: &String, job: Send) {
    let _ = (name, job.user_id);
}

fn main() {
    let _ = |queue: SimpleQueue| queue.register(jobs![SendHandler], ()).is_ok();
}
