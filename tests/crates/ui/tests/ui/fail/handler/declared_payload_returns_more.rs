use simple_queue::prelude::*;

#[derive(Job)]
struct Send {
    user_id: i64,
}

#[job]
async fn send(job: Send) -> Result<i64, BoxDynError> {
    Ok(job.user_id)
}

fn main() {
    let _ = |queue: SimpleQueue| queue.register(jobs![Send], ()).is_ok();
}
