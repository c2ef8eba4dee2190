use simple_queue::prelude::*;

#[handler]
async fn send(context: &JobContext) {
    let _ = context;
}

fn main() {
    let _ = |queue: SimpleQueue| queue.register(jobs![SendHandler], ()).is_ok();
}
