use simple_queue::prelude::*;

#[handler]
async fn send(job: String) {
    let _ = job;
}

fn main() {
    let _ = |queue: SimpleQueue| queue.register(jobs![SendHandler], ()).is_ok();
}
