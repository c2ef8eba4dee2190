use simple_queue::prelude::*;

#[handler]
async fn send(job: Mail) {
    let _ = job;
}

fn main() {
    let _ = |queue: SimpleQueue| queue.register(jobs![SendHandler], ()).is_ok();
}
