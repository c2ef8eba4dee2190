use simple_queue::prelude::*;

struct Send {
    user_id: i64,
}

#[job]
async fn send(job: Send) {
    let _ = job.user_id;
}

fn main() {
    let _ = Send { user_id: 7 };
}
