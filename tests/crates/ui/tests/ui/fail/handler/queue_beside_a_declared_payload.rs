use simple_queue::prelude::*;

#[derive(Job)]
struct Send {
    user_id: i64,
}

#[job(queue = "emails")]
async fn send(job: Send) {
    let _ = job.user_id;
}

fn main() {
    let _ = |queue: SimpleQueue| queue.register(jobs![Send], ()).is_ok();
}
