use simple_queue::prelude::*;

#[job]
async fn send(ids: &[i64]) {
    let _ = ids;
}

fn main() {
    let _ = Send::new(vec![7]);
}
