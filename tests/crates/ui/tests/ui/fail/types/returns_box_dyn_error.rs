use simple_queue::prelude::*;

#[job]
async fn send(user_id: i64) -> Result<(), Box<dyn std::error::Error>> {
    if user_id > 0 { Ok(()) } else { Err("no".into()) }
}

fn main() {
    let _ = |queue: SimpleQueue| drop((Send::new(7).enqueue(&queue), send(7), jobs![Send]));
}
