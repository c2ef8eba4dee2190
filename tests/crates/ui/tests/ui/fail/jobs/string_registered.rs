use simple_queue::prelude::*;

fn main() {
    let _ = |queue: SimpleQueue| queue.register(jobs![String], ()).is_ok();
}
